// The note "What was just sent": shows the browser's own record of requests to /api/event
// and the visitor's signals. It wraps nothing and sends nothing.
(function () {
  "use strict";
  const SHOWN = 4;
  const summary = document.getElementById("sent-summary");
  const list = document.getElementById("sent-requests");
  const values = document.getElementById("sent-values");
  const requests = [];

  const raised = (value) => /^(1|yes)/.test(value);
  const dnt = () =>
    [navigator.doNotTrack, window.doNotTrack, navigator.msDoNotTrack].some(raised);
  const gpc = () => Boolean(navigator.globalPrivacyControl);

  function say() {
    const signals = [dnt() && "Do Not Track", gpc() && "Global Privacy Control"].filter(Boolean);
    const count = requests.length;
    document.querySelector("[data-signal=dnt]").textContent = dnt() ? "on" : "off";
    document.querySelector("[data-signal=gpc]").textContent = gpc() ? "on" : "off";
    if (count > 1) {
      summary.textContent = `${count} requests to /api/event since this page was loaded: views, and how long and how far each was read.`;
    } else if (count === 1) {
      summary.textContent = "One request to /api/event was made for this view.";
    } else if (/(^|; )discreet_opt_out(=|;|$)/.test(document.cookie)) {
      summary.textContent = "Nothing. You have opted out, so the tag stayed silent.";
    } else if (signals.length) {
      summary.textContent =
        `Nothing. Your browser says ${signals.join(" and ")}, so the tag stayed silent.`;
    } else {
      summary.textContent = "No request to /api/event is on record yet. A blocker may have stopped it.";
    }
    document.getElementById("sent").dataset.state = count ? "sent" : "silent";
  }

  function row(entry) {
    const item = document.createElement("li");
    const time = new Date(performance.timeOrigin + entry.startTime).toLocaleTimeString();
    const answer = entry.responseStatus ? `answered ${entry.responseStatus}` : "no answer on record";
    item.textContent = `${time}, ${answer}`;
    return item;
  }

  function tell() {
    const told = {
      u: location.origin + location.pathname + location.search,
      d: document.querySelector("script[data-site]").dataset.site,
      r: (requests.length === 1 && document.referrer) || "none",
      w: `${innerWidth} px`,
      tz: Intl.DateTimeFormat().resolvedOptions().timeZone
    };
    for (const cell of values.querySelectorAll("[data-key]")) {
      cell.textContent = told[cell.dataset.key];
    }
    values.hidden = false;
  }

  new PerformanceObserver((seen) => {
    const fresh = seen.getEntries().filter((one) => new URL(one.name).pathname === "/api/event");
    if (!fresh.length) return;
    requests.push(...fresh);
    list.start = Math.max(1, requests.length - SHOWN + 1);
    list.replaceChildren(...requests.slice(-SHOWN).map(row));
    tell();
    say();
  }).observe({ type: "resource", buffered: true });
  addEventListener("load", say);
})();
