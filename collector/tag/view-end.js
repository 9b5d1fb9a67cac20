// Whether a `navigate` event's destination is another view of a single-page site: another path, or
// a route behind the "#".
export const isNewView = ({sameDocument, url}) =>
  sameDocument && (/#!?\//.test(url) || new URL(url).pathname != location.pathname);

// Calls `end` when the page goes out of sight, and before a single-page site goes on to another
// view: what is sent then still counts for the page that it tells of. The latter is the Navigation
// API's; without it only the former is noticed.
export const onViewEnd = end => {
  addEventListener("visibilitychange", () => document.hidden && end());
  window.navigation?.addEventListener?.("navigate", ({destination}) => {
    if (isNewView(destination)) end();
  });
};
