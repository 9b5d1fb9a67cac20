// Listens to a consent manager that a page already has, and tells the tag. None of the three acts
// while a visitor has not decided. Comes before consent.js, which calls discreet.listen.
(function () {
  "use strict";
  var discreet = window.discreet;
  var GPP_OPT_OUT =
    /"(Sale|Sharing|TargetedAdvertising)OptOut":1\b|"Gpc":(true|1)\b|"OptOutSale":"Y"/;

  function someTrue(set) {
    return Object.keys(set || {}).some(function (key) { return set[key] === true; });
  }

  function permitsSomething(data) {
    return [data.purpose, data.publisher].some(function (of) {
      return of && (someTrue(of.consents) || someTrue(of.legitimateInterests));
    });
  }

  // IAB TCF v2: in any other state, such as cmpuishown, the string is not the visitor's word.
  function tcf(data, success) {
    if (!success || !/^(tcloaded|useractioncomplete)$/.test(data.eventStatus)) return;
    var applies = data.gdprApplies !== false; // undefined is not known, so it applies
    discreet.consent((!applies || permitsSomething(data)) && {
      gdpr: applies ? 1 : 0,
      gdpr_consent: data.tcString
    });
  }

  function gpp(event, success) {
    var ping = event && event.pingData;
    if (!success || !ping || ping.signalStatus !== "ready") return;
    if (!/^(listenerRegistered|signalStatus|sectionChange)$/.test(event.eventName)) return;
    var refused = GPP_OPT_OUT.test(JSON.stringify(ping.parsedSections || {}));
    discreet.consent(!refused && { gpp: ping.gppString });
  }

  // A manager's script may come later than this one.
  function call(name, use) {
    var tries = 0;
    (function look() {
      if (typeof window[name] === "function") use(window[name]);
      else if (++tries < 60) setTimeout(look, 500);
    })();
  }

  // Google Consent Mode: only an update is a decision. A default may grant, but for a region
  // of the world alone it tells nothing, as the visitor's is not known here.
  function google() {
    var layer = window.dataLayer = window.dataLayer || [];
    var push = layer.push;
    var granted = false;
    var denied = false;
    var updated;

    function read(items) {
      [].forEach.call(items, function (item) {
        var word = item && item[0] === "consent" && item[2] && item[2].analytics_storage;
        if (!word) return;
        if (item[1] === "update") updated = word;
        else if (word !== "granted") denied = true;
        else if (!item[2].region) granted = true;
      });
      var state = updated || granted && !denied && "granted";
      // Undecided is denied, and the tag keeps its views until an update comes.
      discreet.consent(state ? { analytics_storage: state } : null);
    }

    read(layer);
    layer.push = function () {
      var result = push.apply(layer, arguments);
      read(arguments);
      return result;
    };
  }

  var sources = {
    tcf: function () {
      call("__tcfapi", function (api) { api("addEventListener", 2, tcf); });
    },
    gpp: function () {
      call("__gpp", function (api) { api("addEventListener", gpp); });
    },
    google: google
  };

  // An unknown source tells nothing, so a tag that waits for consent goes on waiting.
  discreet.listen = function (source) {
    if (sources.hasOwnProperty(source)) sources[source]();
  };
})();
