// A switch for a site's own page: fills every element marked data-discreet-opt-out with a sentence
// and a button that sets or removes the opt-out cookie. Without choice.js before it, it does nothing.
(function () {
  "use strict";
  var discreet = window.discreet;
  var WORDS = {
    en: {
      counted: "Your visits to this site may be counted.",
      refuse: "Do not count my visits",
      refused: "You have opted out. This browser sends no visit of yours to be counted.",
      allow: "Let my visits be counted",
      signal: "Your browser sends % and that is honoured: your visits are not counted.",
      blocked: "Your browser did not keep the cookie that would remember this. " +
        "Allow cookies for this site, or turn on Global Privacy Control."
    },
    zh: {
      counted: "您对本网站的访问可能会被统计。",
      refuse: "不要统计我的访问",
      refused: "您已选择退出。此浏览器不会发送您的访问以供统计。",
      allow: "允许统计我的访问",
      signal: "您的浏览器发送了 % 信号，我们予以遵守：不会统计您的访问。",
      blocked: "您的浏览器没有保存用于记住此选择的 Cookie。请允许本网站使用 Cookie，或开启 Global Privacy Control。"
    }
  };

  function fill(place) {
    var near = place.closest("[lang]");
    var words = WORDS[near && /^zh/i.test(near.lang) ? "zh" : "en"];
    var sentence = document.createElement("p");
    var button = document.createElement("button");
    sentence.setAttribute("role", "status");
    button.type = "button";

    function say(failed) {
      var signal = discreet.signal();
      var out = discreet.optedOut();
      button.hidden = Boolean(signal);
      button.textContent = out ? words.allow : words.refuse;
      var told = signal ? words.signal.replace("%", signal)
        : failed ? words.blocked : out ? words.refused : words.counted;
      // Written only when it changes: a screen reader reads aloud whatever is written here.
      if (sentence.textContent !== told) sentence.textContent = told;
    }

    button.addEventListener("click", function () {
      var wanted = !discreet.optedOut();
      say(discreet.optOut(wanted) !== wanted);
    });
    place.replaceChildren(sentence, button);
    say();
    // Another switch of this page, the banner, or a return to a page kept in memory.
    addEventListener("discreet", function () { say(); });
    addEventListener("pageshow", function () { say(); });
  }

  document.querySelectorAll("[data-discreet-opt-out]").forEach(fill);
})();
