// Discreet: counts page views, engaged time, scroll depth and declared events. Sets no cookie,
// writes no storage, makes no id. What it sends, and when it sends nothing: docs/tag.md.
// The server hands it out minified, called with the page's script element and with `read`, which
// reads the window's width and the time zone, each where the policy needs it. At most 1,100 bytes
// by gzip -9 (a test measures): that is why it is written as it is, with `let` alone, and why
// what has no order stands in the one that packs best.
export default (read, script) => {
  try {
    let page = document, {src, dataset} = script, {site, modules} = dataset;
    // By its origin: fetch refuses an address with the name and password of the page's own.
    let {origin} = new URL(src);
    // Shared by the tags of a page, choice.js and index.js, whichever comes first.
    let discreet = self.discreet ||= (...call) => {
      dispatchEvent(new Event("discreet"), discreet.q.push(call)); // told of once it is there
    };
    let room = 0, since, place, hits = [], depth, engaged, url, called = 0, deepest;

    if (!site || discreet[site] || !/^http/.test(location)) return;
    discreet[site] = discreet.q ||= [];
    discreet.consent ||= told => {
      dispatchEvent(new Event("discreet"), discreet.told = told ?? null); // undecided
    };

    // Reads the layout, so not before there is one; and a page that is left may have to be styled
    // anew for it, so then no more where scrolling told. A zoomed page ends at a part of a pixel.
    let look = () => depth =
      Math.max(100 * (scrollY + innerHeight + 1) / page.documentElement.scrollHeight | 0, depth);

    // On everything that may begin or end a view, or tell something.
    let tick = event => {
      try {
        // `read` stands for a state that nobody told.
        let {told = dataset.consent == null ? read : null} = discreet;
        let target = event?.target.closest?.("[data-discreet-event]")?.dataset;
        let hash = dataset.hash == null ? "" : location.hash;
        let now = new Date;
        let next = !page.hidden && location.pathname + hash;
        engaged += since && now - since;
        since = next && page.hasFocus() && now;
        // Out of sight, on another page of a single-page site, or out of the back/forward cache.
        if (place != next || event?.persisted) {
          if (place && ((depth || look()) > deepest || engaged > 1e3)) {
            hits.push({u: url, n: "engagement", e: engaged, sd: deepest = depth});
            engaged = 0;
          }
          if (next) {
            url = location.origin + location.pathname + location.search + hash;
            depth = engaged = deepest = 0;
            hits.push({u: url, n: "pageview", r: place ? "" : page.referrer});
            place = next;
          }
        }
        if (target) hits.push({u: url, n: target.discreetEvent, p: target.discreetProps});
        // Events of a page that was not seen yet wait for its view.
        if (place) discreet.q.slice(called).map(([n, p]) => (called++, hits.push({u: url, n, p})));
        // A refusal is not sent, it empties the queue, also while consent is undecided: 1, true, yes.
        // Not asked for where nothing waits: the first look at cookies waits for another process.
        if (hits[0] && (/(^|; )discreet_opt_out\b/.test(page.cookie) ||
            /[t1y]/.test([self.doNotTrack, navigator.doNotTrack, navigator.globalPrivacyControl]))) {
          hits = [];
        }
        // Each by itself: what one hit throws costs no other.
        if (told !== null) hits.splice(0).map(hit => {
          try {
            // What a string says, the server reads.
            if ((told.gdpr === 0 || told.gdpr_consent || told.analytics_storage == "granted" ||
                told == read || told.gpp || told.purposes > "") &&
                !hit.u.match(dataset.exclude || " ") && 500 > room++) {
              if (modules) import(origin + "/tag/" + modules + ".js").catch(() => {});
              modules = 0;
              hit = {...told, ...read(), ...hit, d: site, k: dataset.child};
              if (dataset.beforeSend) hit = self[dataset.beforeSend](hit);
              hit && fetch(new URL(dataset.api || "/api/event", origin), {
                method: "POST", // text/plain: no preflight
                keepalive: true,
                referrerPolicy: "origin", // the Referer header names no page
                credentials: "omit",
                body: JSON.stringify(hit)
              }).catch(() => {});
            }
          } catch {}
        });
      } catch {}
    };

    addEventListener("scroll", look);
    ["pushState", "replaceState"].map(name => {
      let original = history[name];
      history[name] = (...change) => tick(original.apply(history, change));
    });
    ["blur", "discreet", "pageshow", "popstate", "visibilitychange", "click", "focus"]
      .map(name => addEventListener(name, tick));
    tick();
  } catch {}
};
