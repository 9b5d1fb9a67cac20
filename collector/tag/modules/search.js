// What was searched for on the site: the term in the page's address, and how many results the
// page says it found.
if (!discreet.search) {
  const names = (
    document.querySelector("script[data-search]")?.dataset.search || "q s search query"
  ).split(/[ ,]+/);
  let last;

  const look = wait => {
    const given = new URLSearchParams(location.search);
    const query = names.map(name => given.get(name)?.trim()).find(term => term);
    if (query && query != last) {
      setTimeout(() => discreet("Site Search", {
        query,
        results: document.querySelector("[data-discreet-results]")?.dataset.discreetResults
      }), wait);
    }
    last = query;
  };

  discreet.search = true;
  look(0);
  // A single-page site changes its address first and shows what it found afterwards.
  window.navigation?.addEventListener?.("currententrychange", () => look(1000));
}
