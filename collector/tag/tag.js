// Discreet: one request per page view, no cookie, no storage, no id. See docs/tag.md.
(function () {
  "use strict";
  try {
    var script = document.currentScript;
    var site = script.getAttribute("data-site");
    var origin = new URL(script.src).origin;
    var api = new URL(script.getAttribute("data-api") || "/api/event", origin).href;
    var mark = Symbol.for("discreet " + site);
    var referrer = document.referrer;
    var waiting = true;
    var last;

    if (!site || document[mark] || !/^https?:$/.test(location.protocol)) return;
    document[mark] = true;

    function refused() {
      return navigator.globalPrivacyControl ||
        [navigator.doNotTrack, window.doNotTrack, navigator.msDoNotTrack].some(function (value) {
          return /^(1|yes)/.test(value);
        });
    }

    function send(body) {
      if (!window.fetch) return navigator.sendBeacon(api, body);
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

    function view() {
      try {
        if (waiting && (document.hidden || document.prerendering)) return;
        waiting = false;
        if (place() === last) return;
        last = place();
        var from = referrer;
        referrer = "";
        if (refused()) return;
        send(JSON.stringify({
          n: "pageview",
          u: location.origin + last,
          d: site,
          r: from,
          w: innerWidth,
          tz: Intl.DateTimeFormat().resolvedOptions().timeZone
        }));
      } catch (e) {}
    }

    function begin() {
      if (waiting) view();
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

    addEventListener("popstate", view);
    addEventListener("pageshow", function (event) {
      if (event.persisted) {
        last = "";
        view();
      }
    });
    document.addEventListener("visibilitychange", begin);
    document.addEventListener("prerenderingchange", begin);
    view();
  } catch (e) {}
})();
