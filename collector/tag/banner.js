// The consent banner: says for what visits are counted and takes the answer. It decides and keeps
// nothing itself; consent.js, which comes after it, calls discreet.banner.
(function () {
  "use strict";
  var discreet = window.discreet;
  var WORDS = {
    en: {
      title: "May your visit be counted?",
      intro: "% would like to count visits, for these purposes:",
      promise: "Only totals are kept. If you refuse, nothing changes for you on this site, " +
        "and you can change your answer at any time.",
      changed: "The policy has changed since you last answered.",
      notice: "Privacy notice",
      refuse: "Refuse",
      accept: "Accept",
      choose: "Choose purposes",
      chosen: "Accept the chosen purposes",
      later: "Decide later",
      close: "Close",
      given: "You have accepted. Your receipt, should you want to ask about it or have it erased:",
      refused: "You have refused. Nothing of your visits is sent.",
      signal: "Your browser sends %, and that is honoured: your visit is not counted, " +
        "and there is nothing to decide.",
      unread: "What you would be asked could not be loaded. You can refuse all the same.",
      failed: "That did not work, and nothing was changed. Please try again later."
    },
    zh: {
      title: "可以统计您的访问吗？",
      intro: "% 希望为以下目的统计访问：",
      promise: "我们只保留总数。拒绝不会影响您使用本网站，您也可以随时更改选择。",
      changed: "自您上次选择以来，隐私政策已有变更。",
      notice: "隐私声明",
      refuse: "拒绝",
      accept: "接受",
      choose: "选择目的",
      chosen: "接受所选目的",
      later: "以后再说",
      close: "关闭",
      given: "您已接受。如需查询或删除，请使用您的回执：",
      refused: "您已拒绝。您的访问不会被发送。",
      signal: "您的浏览器发送了 % 信号，我们予以遵守：不会统计您的访问，您无需作出选择。",
      unread: "相关内容无法加载，您仍然可以拒绝。",
      failed: "操作未成功，没有任何更改。请稍后再试。"
    }
  };
  // In em of the visitor's own text size. Refuse and Accept have one rule between them.
  var STYLE =
    "section{--ink:#1c2733;--paper:#fff;--ring:#1d63c9;color-scheme:light;" +
    "position:fixed;z-index:2147483647;right:1em;bottom:1em;box-sizing:border-box;" +
    "width:30em;max-width:calc(100vw - 2em);max-height:calc(100vh - 2em);" +
    "max-height:calc(100dvh - 2em);overflow:auto;scroll-padding-bottom:9em;" +
    "padding:1.25em 1.25em 0;border:1px solid var(--ink);border-radius:.75em;" +
    "background:var(--paper);color:var(--ink);box-shadow:0 .25em 1.5em rgba(0,0,0,.25);" +
    "font:medium/1.4 system-ui,sans-serif;text-align:start}" +
    "@media(prefers-color-scheme:dark){section{--ink:#eef2f5;--paper:#1c242c;--ring:#8fc0ff;" +
    "color-scheme:dark}}" +
    "@media(max-width:32em){section{right:.5em;bottom:.5em;width:auto;left:.5em;" +
    "max-width:none;padding:1em 1em 0}}" +
    "@media print{section{display:none}}" +
    "h2{font-size:1.2em;line-height:1.3;margin:0 0 .5em}" +
    "p,ul{margin:0 0 .75em}ul{padding-inline-start:1.25em}p:empty{margin:0}" +
    "[hidden]{display:none!important}" +
    ".choosing{list-style:none;padding:0}" +
    "label{display:flex;gap:.6em;align-items:baseline}.choosing label{padding:.4em 0}" +
    "input{width:1.15em;height:1.15em;margin:0;flex:none;accent-color:var(--ink)}" +
    "a{color:inherit}code{overflow-wrap:anywhere;user-select:all}" +
    // The answers stay in sight however small the window or large the text.
    "div{display:grid;grid-template-columns:1fr 1fr;gap:.5em .75em;padding:.5em 0;" +
    "position:sticky;bottom:0;background:var(--paper)}" +
    "button{font:inherit;cursor:pointer;color:inherit;border:0;min-height:2.75em;padding:.5em;" +
    "background:none;text-decoration:underline;text-underline-offset:.2em}" +
    "button.answer{font-weight:600;text-decoration:none;border-radius:.5em;" +
    "background:var(--ink);color:var(--paper);border:2px solid var(--ink)}" +
    "button.wide{grid-column:1/-1}" +
    "h2:focus{outline:0}:focus-visible{outline:3px solid var(--ring);outline-offset:2px}";

  var host, status, words, before, padding;

  function make(name, text, attributes) {
    var element = document.createElement(name);
    if (text) element.textContent = text;
    Object.keys(attributes || {}).forEach(function (key) {
      element.setAttribute(key, attributes[key]);
    });
    return element;
  }

  function button(text, kind, act) {
    var element = make("button", text, { type: "button", "class": kind });
    element.addEventListener("click", act);
    return element;
  }

  function dress(root) {
    // A constructed sheet needs no permission of the page's Content-Security-Policy.
    if (root.adoptedStyleSheets && window.CSSStyleSheet && CSSStyleSheet.prototype.replaceSync) {
      var sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
      root.adoptedStyleSheets = [sheet];
    } else root.appendChild(make("style", STYLE));
  }

  function purposeList(asked) {
    var list = make("ul");
    asked.purposes.forEach(function (purpose) {
      var label = make("label");
      var box = make("input", "", { type: "checkbox", value: purpose.id, hidden: "" });
      // Ticked only where the visitor ticked it before.
      box.checked = Boolean(asked.entry && asked.entry.purposes.indexOf(purpose.id) >= 0);
      label.append(box, make("span", (purpose.titles || {})[asked.language] || purpose.title));
      list.appendChild(make("li")).appendChild(label);
    });
    return list;
  }

  function buttons(asked, list) {
    var row = make("div");
    var boxes = list.querySelectorAll("input");
    var ids = function (all) {
      return [].filter.call(boxes, function (box) { return all || box.checked; })
        .map(function (box) { return box.value; });
    };
    var chosen = button(words.chosen, "answer wide", function () { asked.accept(ids()); });
    var choose = button(words.choose, "", function () {
      offer();
      boxes[0].focus();
    });
    var later = button(asked.byVisitor ? words.close : words.later, "", close);
    function offer() {
      list.className = "choosing";
      boxes.forEach(function (box) { box.hidden = false; });
      chosen.hidden = false;
      choose.hidden = true;
      later.className = "wide";
    }

    chosen.hidden = true;
    if (asked.current) offer(); // shows what was chosen
    row.append(
      button(words.refuse, "answer", asked.refuse),
      button(words.accept, "answer", function () { asked.accept(ids(true)); }),
      chosen, choose, later
    );
    return row;
  }

  function tell(section, asked) {
    var promise = make("p", words.promise + " ");
    var list = purposeList(asked);
    promise.appendChild(make("a", words.notice, { href: asked.notice }));
    if (asked.refused) section.appendChild(make("p", words.refused));
    else if (asked.entry && !asked.current) section.appendChild(make("p", words.changed));
    else if (asked.entry) {
      section.appendChild(make("p", words.given + " "))
        .appendChild(make("code", asked.entry.receipt));
    }
    section.append(make("p", words.intro.replace("%", asked.site)), list, promise, status,
      buttons(asked, list));
  }

  // Without purposes to ask for: the browser refuses already, or the server can't be reached.
  function note(section, asked) {
    var row = make("div");
    var shut = button(words.close, "answer", close);
    if (asked.signal) shut.className += " wide";
    else row.appendChild(button(words.refuse, "answer", asked.refuse));
    row.appendChild(shut);
    section.append(
      make("p", asked.signal ? words.signal.replace("%", asked.signal) : words.unread), row
    );
  }

  function open(asked) {
    var root;
    var section = make("section", "", { "aria-labelledby": "title" });
    var title;
    close();
    words = WORDS[asked.language];
    title = make("h2", words.title, { id: "title", tabindex: "-1" });
    status = make("p", "", { role: "status" });
    section.appendChild(title);
    if (asked.purposes && !asked.signal) tell(section, asked);
    else note(section, asked);
    section.addEventListener("keydown", function (event) {
      if (event.key === "Escape") close(); // nothing is decided
    });

    host = make("div", "", { lang: asked.language });
    host.style.cssText = "all:initial!important"; // no rule of the page reaches in
    root = host.attachShadow({ mode: "open" });
    dress(root);
    root.appendChild(section);
    // First in the page, so that it is reached first and heard of; it takes no focus by itself.
    document.body.prepend(host);
    padding = document.documentElement.style.scrollPaddingBottom;
    // What is tabbed to behind the banner scrolls clear of it (WCAG 2.4.11).
    document.documentElement.style.scrollPaddingBottom = section.offsetHeight + 32 + "px";
    if (asked.byVisitor) {
      before = document.activeElement;
      title.focus();
    }
  }

  function close() {
    if (!host) return;
    host.remove();
    host = undefined;
    document.documentElement.style.scrollPaddingBottom = padding;
    if (before) before.focus();
    before = undefined;
  }

  discreet.banner = {
    open: open,
    close: close,
    fail: function () { if (host) status.textContent = words.failed; }
  };
})();
