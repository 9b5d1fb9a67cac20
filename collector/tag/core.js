// Discreet: counts page views, engaged time, scroll depth and declared events. Sets no cookie,
// writes no storage, makes no id. What it sends, and when it sends nothing: docs/tag.md.
// The server hands it out minified, called with the page's script element and with `read`, which
// reads the window's width and the time zone, each where the policy needs it. At most 1,100 bytes
// by gzip -9 (a test measures): that is why it is written as it is, with `let` alone, and why
// what has no order stands in the one that packs best.
export default (read, script) => {
  try {
    let page = document, {dataset, src} = script, {modules, site} = dataset;
    // By its origin: fetch refuses an address with the name and password of the page's own.
    let {origin} = new URL(src);
    // Shared by the tags of a page, choice.js and index.js, whichever comes first.
    let discreet = self.discreet ||= (...call) => {
      dispatchEvent(new Event("discreet"), discreet.q.push(call)); // told of once it is there
    };
    let place, since, room = 0, depth, engaged, hits = [], called = 0, url, deepest;

    if (!site || discreet[site] || !/^http/.test(location)) return;
    discreet[site] = discreet.q ||= [];
    discreet.consent ||= told => {
      dispatchEvent(new Event("discreet"), discreet.told = told ?? null); // undecided
    };

    // Reads the layout, so not before there is one. A zoomed page ends at a part of a pixel.
    let look = () => depth =
      Math.max(100 * (scrollY + innerHeight + 1) / page.documentElement.scrollHeight | 0, depth);

    // On everything that may begin or end a view, or tell something.
    let tick = event => {
      try {
        // `read` stands for a state that nobody told.
        let {told = dataset.consent == null ? read : null} = discreet;
        let target = event?.target.closest?.("[data-discreet-event]")?.dataset, now = new Date;
        let hash = dataset.hash == null ? "" : location.hash;
        let next = !page.hidden && location.pathname + hash;
        engaged += since && now - since;
        since = next && page.hasFocus() && now;
        // Out of sight, on another page of a single-page site, or out of the back/forward cache.
        if (place != next || event?.persisted) {
          if (place && (look() > deepest || engaged > 1e3)) {
            hits.push({u: url, n: "engagement", sd: deepest = depth, e: engaged});
            engaged = 0;
          }
          if (next) {
            url = location.origin + location.pathname + location.search + hash;
            deepest = engaged = depth = 0;
            hits.push({u: url, n: "pageview", r: place ? "" : page.referrer});
            place = next;
          }
        }
        if (target) hits.push({u: url, n: target.discreetEvent, p: target.discreetProps});
        // Events of a page that was not seen yet wait for its view.
        if (place) discreet.q.slice(called).map(([n, p]) => (called++, hits.push({u: url, n, p})));
        // A refusal is not sent, it empties the queue, also while consent is undecided: 1, true, yes.
        let refused = /(^|; )discreet_opt_out\b/.test(page.cookie) ||
          /[t1y]/.test([self.doNotTrack, navigator.doNotTrack, navigator.globalPrivacyControl]);
        // Each by itself: what one hit throws costs no other.
        if (refused || told !== null) hits.splice(0).map(hit => {
          try {
            // What a string says, the server reads.
            if ((told.gdpr === 0 || told.analytics_storage == "granted" || told.gdpr_consent ||
                told == read || told.gpp || told.purposes > "") &&
                !hit.u.match(dataset.exclude || " ") && !refused && 500 > room++) {
              if (modules) import(origin + "/tag/" + modules + ".js").catch(() => {});
              modules = 0;
              hit = {...told, ...read(), ...hit, k: dataset.child, d: site};
              if (dataset.beforeSend) hit = self[dataset.beforeSend](hit);
              hit && fetch(new URL(dataset.api || "/api/event", origin), {
                keepalive: true,
                referrerPolicy: "origin", // the Referer header names no page
                method: "POST", // text/plain: no preflight
                credentials: "omit",
                body: JSON.stringify(hit)
              }).catch(() => {});
            }
          } catch {}
        });
      } catch {}
    };

    addEventListener("scroll", look);
    ["replaceState", "pushState"].map(name => {
      let original = history[name];
      history[name] = (...change) => tick(original.apply(history, change));
    });
    ["blur", "discreet", "pageshow", "focus", "popstate", "visibilitychange", "click"]
      .map(name => addEventListener(name, tick));
    tick();
  } catch {}
};
