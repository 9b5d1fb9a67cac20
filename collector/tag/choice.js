// What the browser refuses on its own, and the opt-out cookie of this site.
// The server hands it out in front of consent.js and opt-out.js; docs/tag.md says how to call it.
(function () {
  "use strict";
  // The tag makes the same function; whichever script comes first does. Events wait in q for it.
  var discreet = window.discreet = window.discreet || function () {
    (discreet.q = discreet.q || []).push([].slice.call(arguments));
    dispatchEvent(new Event("discreet"));
  };
  var script = document.currentScript;
  var COOKIE = "discreet_opt_out";
  var SECONDS = 34560000; // 400 days; browsers keep no cookie longer

  if (discreet.optOut) return;

  function domain() {
    var tag = document.querySelector("script[data-site]");
    var site = script.getAttribute("data-domain") || script.getAttribute("data-site") ||
      tag && tag.getAttribute("data-site");
    return (site || "").replace(/:\d+$/, "");
  }

  function write(seconds, at) {
    // Not Secure: a page of the site over http would not see the refusal.
    document.cookie = COOKIE + "=1; Path=/; SameSite=Lax; Max-Age=" + seconds +
      (at ? "; Domain=" + at : "");
  }

  // The refusal that the browser sends by itself, by its name; "" when there is none.
  discreet.signal = function () {
    try {
      if (navigator.globalPrivacyControl) return "Global Privacy Control";
      var dnt = [navigator.doNotTrack, window.doNotTrack, navigator.msDoNotTrack];
      return /(^|,)(1|yes)/.test(dnt) ? "Do Not Track" : "";
    } catch (e) {
      return "Do Not Track"; // what can't be read refuses
    }
  };

  discreet.optedOut = function () {
    try {
      return /(^|; )discreet_opt_out(=|;|$)/.test(document.cookie);
    } catch (e) {
      return true; // a frame without cookies: the tag sends nothing there
    }
  };

  // Sets or removes the cookie; tells whether it is there now.
  discreet.optOut = function (refuse) {
    try {
      write(0);
      // Whatever part of the host's name it was set for.
      location.hostname.split(".").forEach(function (_, cut, labels) {
        write(0, labels.slice(cut).join("."));
      });
      if (refuse) {
        write(SECONDS, domain());
        if (!discreet.optedOut()) write(SECONDS); // the page is not of that domain
      }
    } catch (e) {}
    dispatchEvent(new Event("discreet"));
    return discreet.optedOut();
  };
})();
