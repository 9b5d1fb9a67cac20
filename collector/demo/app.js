// The planner: switches between views with history.pushState and knows nothing of the tag.
(function () {
  "use strict";
  const links = [...document.querySelectorAll(".tabs a")];
  const sections = [...document.querySelectorAll("section.view")];

  function show() {
    const current = links.find((link) => link.pathname === location.pathname) || links[0];
    for (const link of links) {
      if (link === current) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    for (const section of sections) {
      section.hidden = section.dataset.view !== current.dataset.view;
    }
    document.title = current.textContent + " · Hedgerow";
  }

  for (const link of links) {
    link.addEventListener("click", (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      history.pushState(null, "", link.href);
      show();
    });
  }
  addEventListener("popstate", show);
})();
