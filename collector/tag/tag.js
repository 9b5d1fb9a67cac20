// Discreet: one request per page view; sets no cookie, writes no storage, makes no id.
// What it sends, and when it sends nothing: docs/tag.md.
(function () {
  "use strict";
  try {
    var script = document.currentScript;
    var site = script.getAttribute("data-site");
    // By its origin: fetch refuses an address with the name and password of the page's own.
    var api = new URL(script.getAttribute("data-api") || "/api/event", new URL(script.src).origin);
    var asks = script.hasAttribute("data-consent");
    var child = script.hasAttribute("data-child") ? 1 : undefined;
    var discreet = window.discreet = window.discreet || {};
    var referrer = document.referrer;
    var unseen = true;
    var views = [];
    var last;

    if (!site || discreet[site] || !/^https?:$/.test(location.protocol)) return;
    discreet[site] = true;

    // Shared by the tags of a page and by consent.js, whichever comes first.
    discreet.consent = discreet.consent || function (told) {
      discreet.told = told;
      dispatchEvent(new Event("discreet"));
    };

    function refused() {
      return navigator.globalPrivacyControl ||
        /(^|; )discreet_opt_out(=|;|$)/.test(document.cookie) ||
        /(^|,)(1|yes)/.test([navigator.doNotTrack, window.doNotTrack, navigator.msDoNotTrack]);
    }

    function send(body) {
      fetch(api, {
        method: "POST",
        body: body,
        mode: "no-cors", // no preflight, no complaint in the console
        keepalive: true,
        credentials: "omit",
        referrerPolicy: "strict-origin" // the Referer header names no page
      }).catch(function () {});
    }

    function place() {
      return location.pathname + location.search;
    }

    function flush() {
      try {
        var pending = views.splice(0);
        if (refused()) return;
        var told = discreet.told;
        var says = told || {};
        var c = says.purposes > "" ? says.version + "," + says.purposes : undefined;
        if (asks ? told == null : told === null) views = pending; // undecided
        // A refusal is not sent, it empties the queue. What a string says, the server reads.
        else if (told === undefined || c || says.analytics_storage === "granted" ||
            says.gdpr_consent || says.gpp || says.gdpr === 0) {
          pending.forEach(function (view) {
            send(JSON.stringify({
              n: "pageview",
              u: view[0],
              d: site,
              r: view[1],
              w: innerWidth,
              tz: Intl.DateTimeFormat().resolvedOptions().timeZone,
              k: child,
              c: c,
              cm: says.analytics_storage,
              gdpr: says.gdpr,
              gdpr_consent: says.gdpr_consent,
              gpp: says.gpp
            }));
          });
        }
      } catch (e) {}
    }

    function view() {
      if (unseen && (document.hidden || document.prerendering)) return;
      unseen = false;
      if (place() === last) return;
      last = place();
      views.push([location.origin + last, referrer]);
      referrer = "";
      flush();
    }

    ["pushState", "replaceState"].forEach(function (name) {
      var original = history[name];
      history[name] = function () {
        var path = location.pathname;
        var result = original.apply(this, arguments);
        // A page that only rewrites its query is still the same view.
        if (name === "replaceState" && path === location.pathname) last = last && place();
        else view();
        return result;
      };
    });

    addEventListener("discreet", flush);
    addEventListener("popstate", view);
    addEventListener("pageshow", function (event) {
      if (event.persisted) {
        last = "";
        view();
      }
    });
    document.addEventListener("visibilitychange", view);
    document.addEventListener("prerenderingchange", view);
    view();
  } catch (e) {}
})();
