// How a page was left, as far as it can be told from the page itself: docs/tag-modules.md names
// what it takes for what.
import { onLink } from "../link.js";
import { isNewView } from "../view-end.js";

if (!discreet.leaving) {
  let how, timer, unseen, gone;

  const tell = way => discreet("Page Left", {how: way});
  const wayTo = ({host}) => host == location.host ? "link" : "outbound";
  // Forgotten when the page is still there: an address that answers with a file to save.
  const soon = way => {
    how = way;
    clearTimeout(timer);
    timer = setTimeout(() => how = 0, 9000);
  };

  discreet.leaving = true;
  if (window.navigation?.addEventListener) {
    navigation.addEventListener("navigate", ({destination, downloadRequest, navigationType}) => {
      const url = new URL(destination.url);
      const way = {traverse: "back", reload: "reload"}[navigationType] ?? wayTo(url);
      if (downloadRequest != null || !/^http/.test(url.protocol)) return;
      if (!destination.sameDocument) {
        soon(way);
      } else if (isNewView(destination)) {
        tell(way);
        unseen = 0;
      }
    });
  } else {
    onLink((url, link, {button, ctrlKey, metaKey, shiftKey}) => {
      const isPart = url.hash && url.pathname == location.pathname;
      if (/^http/.test(url.protocol) && !isPart && link.target != "_blank" &&
          !button && !ctrlKey && !metaKey && !shiftKey) soon(wayTo(url));
    });
  }
  // The browser's own reload button is known only to the page that is loaded anew.
  if (performance.getEntriesByType("navigation")[0]?.type == "reload") tell("reload");
  addEventListener("pagehide", () => {
    gone = 1;
    if (!document.hidden && how != "reload") tell(how || "close");
  });
  addEventListener("pageshow", () => gone = how = unseen = 0);
  addEventListener("visibilitychange", () => {
    if (document.hidden && !gone && !unseen) {
      unseen = 1;
      tell("hidden");
    }
  });
}
