// Calls `follow` with the URL and the element of each link that is clicked: by mouse, middle
// button, touch, keyboard or script, in HTML, SVG, image maps and open shadow roots. Neither waits
// nor prevents anything.
export const onLink = follow => ["click", "auxclick"].map(type => addEventListener(type, event => {
  try {
    const link = event.composedPath().find(({localName, href}) => /^a(rea)?$/.test(localName) && href);
    // 0 and 1 are the left and the middle button; the right one opens a menu.
    if (link && event.button < 2) {
      follow(new URL(link.href.baseVal ?? link.href, document.baseURI), link, event);
    }
  } catch {}
}, true));
