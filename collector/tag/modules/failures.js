// Files of the page that could not be loaded, downloads that failed, and pages that are missing:
// host and path, or the path.
if (!discreet.failures) {
  const told = new Set();

  const KINDS = [
    ["font", /\.(woff2?|[ot]tf)$/i],
    ["image", /\.(avif|gif|ico|jpe?g|png|svg|webp)$/i],
    ["image", /^(image|img|input) /],
    ["media", /^(audio|source|track|video) /],
    ["script", /^script /],
    ["style", /^(css|link) /],
    ["frame", /frame /]
  ];
  const tell = (address, from) => {
    const {host, pathname, protocol} = new URL(address, document.baseURI), url = host + pathname;
    if (!/^http/.test(protocol) || told.has(url)) return;
    told.add(url);
    // What a script asks for is its own affair, but for files.
    if (!/^(beacon|fetch|xml)/.test(from)) {
      const kind = KINDS.find(([, rule]) => rule.test(from + " " + pathname));
      discreet("Failed Resource", {url, kind: kind?.[0] ?? "other"});
    } else if (discreet.downloads?.({protocol, pathname})) {
      discreet("Failed Download", {url});
    }
  };

  discreet.failures = true;
  addEventListener("error", ({target}) => {
    try {
      const {currentSrc, src, href, localName} = target;
      if (localName) tell(currentSrc || src || href.baseVal || href, localName);
    } catch {}
  }, true);
  // Those that failed before this was here, where the browser tells the answer's status.
  try {
    new PerformanceObserver(list => list.getEntries().forEach(({initiatorType, name, responseStatus}) => {
      if (responseStatus > 399) tell(name, initiatorType);
    })).observe({type: "resource", buffered: true});
  } catch {}
  // Once all modules are there.
  setTimeout(() => {
    const status = document.querySelector("script[data-status]")?.dataset.status ??
      document.querySelector("meta[name=discreet-status]")?.content ??
      performance.getEntriesByType("navigation")[0]?.responseStatus;
    if (status == 404) discreet("404", {path: location.pathname});
    if (status > 399 && discreet.downloads?.(location)) {
      discreet("Failed Download", {url: location.host + location.pathname});
    }
  });
}
