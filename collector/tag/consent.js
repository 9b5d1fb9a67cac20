// Tells the tag what a visitor consents to: asks with a banner of its own, or listens to the
// consent manager that data-source names. The server hands it out after choice.js, managers.js
// and banner.js. See docs/tag.md.
(function () {
  "use strict";
  var discreet = window.discreet;
  var script = document.currentScript;
  var site = script.getAttribute("data-site");
  var source = script.getAttribute("data-source");
  var origin = new URL(script.src).origin;
  var api = new URL(script.getAttribute("data-api") || "/api/consent", origin).href;
  var notice = new URL(script.getAttribute("data-privacy") || "/privacy", origin).href;
  var ENTRY = "discreet_consent";
  var policy;
  var busy;

  // The tag makes the same function; whichever script comes first does.
  discreet.consent = discreet.consent || function (told) {
    discreet.told = told === undefined ? null : told;
    dispatchEvent(new Event("discreet"));
  };

  // The one thing kept in the browser, and only once consent was given.
  function kept() {
    try {
      var entry = JSON.parse(localStorage.getItem(ENTRY));
      if (Array.isArray(entry.purposes)) return entry;
    } catch (e) {}
  }

  function keep(entry) {
    try {
      if (entry) localStorage.setItem(ENTRY, JSON.stringify(entry));
      else localStorage.removeItem(ENTRY);
    } catch (e) {} // then the answer holds for this page
  }

  function ask(path, options) {
    options.credentials = "omit";
    options.referrerPolicy = "strict-origin";
    return fetch(api + path, options).then(function (answer) {
      if (!answer.ok) throw new Error("consent: " + answer.status);
      return answer.json();
    });
  }

  function withdraw() {
    var entry = kept();
    keep();
    if (!entry || !entry.receipt) return;
    ask("/withdraw", {
      method: "POST",
      headers: { Authorization: "Bearer " + entry.receipt },
      keepalive: true
    }).catch(function () {});
  }

  function refuse() {
    discreet.banner.close();
    discreet.optOut(true);
    discreet.consent(false);
    withdraw();
  }

  function accept(purposes) {
    if (!purposes.length) return refuse();
    if (busy) return;
    busy = true;
    // Nothing is told before the receipt is there: a consent without proof is none.
    ask("", {
      method: "POST",
      headers: { "Content-Type": "text/plain" }, // no preflight
      body: JSON.stringify({
        site: site,
        version: policy.version,
        purposes: purposes,
        state: "given",
        language: languageTag()
      })
    }).then(function (receipt) {
      withdraw(); // an earlier answer, which this one replaces
      keep({
        version: policy.version,
        purposes: purposes,
        receipt: receipt.receipt_id,
        until: Date.now() + parseInt(policy.validity.slice(1), 10) * 864e5 // such as P183D
      });
      discreet.banner.close();
      if (discreet.optedOut()) discreet.optOut(false);
      discreet.consent({ version: policy.version, purposes: purposes });
    }).catch(function () {
      discreet.banner.fail();
    }).then(function () {
      busy = false;
    });
  }

  function holds(entry) {
    return entry && policy && entry.until > Date.now() &&
      policy.honoured.indexOf(entry.version) >= 0;
  }

  // The page's language where the banner and the policy are both written in it.
  function languageTag() {
    var tags = policy ? policy.languages : [];
    var page = document.documentElement.lang.slice(0, 2).toLowerCase();
    return tags.find(function (tag) { return /^(en|zh)/i.test(tag) && tag.indexOf(page) === 0; }) ||
      tags.find(function (tag) { return /^(en|zh)/i.test(tag); }) || tags[0] || page;
  }

  function show(byVisitor) {
    var entry = kept();
    discreet.banner.open({
      site: site,
      notice: notice,
      language: /^zh/i.test(languageTag()) ? "zh" : "en",
      purposes: policy && policy.purposes,
      signal: discreet.signal(),
      refused: discreet.optedOut(),
      entry: entry,
      current: holds(entry),
      byVisitor: byVisitor,
      accept: accept,
      refuse: refuse
    });
  }

  function read() {
    return ask("?site=" + encodeURIComponent(site), {}).then(function (answer) {
      policy = answer;
    });
  }

  function asks() {
    return policy.mode === "opt-in" || policy.mode === "exempt" &&
      policy.purposes.some(function (purpose) { return purpose.basis === "consent"; });
  }

  function begin() {
    if (discreet.signal()) return;
    if (discreet.optedOut()) return withdraw();
    read().then(function () {
      var entry = kept();
      if (holds(entry)) {
        discreet.banner.close();
        discreet.consent({ version: entry.version, purposes: entry.purposes });
      } else if (asks()) show();
    }).catch(function () {}); // not reached: nothing was decided, so nothing is told
  }

  if (source) return discreet.listen(source);
  discreet.consent.open = function () {
    if (discreet.signal()) return show(true);
    read().then(function () { show(true); }, function () { show(true); });
  };
  document.addEventListener("click", function (event) {
    if (!event.target.closest("[data-discreet-consent]")) return;
    event.preventDefault();
    discreet.consent.open();
  });
  // The opt-out switch of the same page.
  addEventListener("discreet", function () {
    if (discreet.optedOut()) withdraw();
  });
  addEventListener("pageshow", function (event) {
    if (event.persisted) begin();
  });
  begin();
})();
