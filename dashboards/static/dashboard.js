// Adds to pages that work without it: read the chart by pointer, finger or keys; close menus; change
// a tab without leaving the place; refresh who is there now.
"use strict";

function readChart(figure) {
  const output = figure.querySelector(".reading");
  const plot = figure.querySelector(".bars");
  const points = Array.from(plot.querySelectorAll(".point"), (element) => {
    const title = element.querySelector("title");
    const text = title.textContent;
    title.remove(); // else the browser shows the same words a second time
    return { element, text };
  });
  const last = points.length - 1;
  let chosen = -1;

  function choose(index) {
    points[chosen]?.element.classList.remove("chosen");
    chosen = index;
    points[chosen]?.element.classList.add("chosen");
    const text = points[chosen]?.text ?? output.dataset.rest;
    output.textContent = text;
    plot.setAttribute("aria-valuenow", Math.max(0, chosen));
    plot.setAttribute("aria-valuetext", text);
  }

  // A slider is what screen readers let be moved along by keys or by swiping, value after value.
  plot.setAttribute("role", "slider");
  plot.setAttribute("aria-valuemin", 0);
  plot.setAttribute("aria-valuemax", last);
  plot.setAttribute("tabindex", "0");
  output.setAttribute("aria-hidden", "true"); // the slider says it
  choose(-1);

  function point(event) {
    const box = plot.getBoundingClientRect();
    const index = Math.floor(((event.clientX - box.left) / box.width) * points.length);
    choose(Math.min(last, Math.max(0, index)));
  }
  plot.addEventListener("pointermove", point);
  plot.addEventListener("pointerdown", point);
  plot.addEventListener("pointerleave", (event) => {
    if (event.pointerType === "mouse") choose(-1); // a finger leaves what it read
  });
  plot.addEventListener("blur", () => choose(-1));
  plot.addEventListener("keydown", (event) => {
    const to = {
      ArrowLeft: chosen < 0 ? last : Math.max(0, chosen - 1),
      ArrowRight: Math.min(last, chosen + 1),
      Home: 0,
      End: last,
      Escape: -1,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    choose(to);
  });
}

function closeMenus() {
  const menus = Array.from(document.querySelectorAll("details.menu"));
  document.addEventListener("click", (event) => {
    for (const menu of menus) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of menus) {
      if (!menu.open) continue;
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
}

async function changeTab(event) {
  const link = event.target.closest(".tab-links a");
  const plain = event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
  if (!link || !plain) return;
  event.preventDefault();
  const panel = link.closest(".panel");
  panel.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(link.href);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById(panel.id);
    if (!answer.ok || !fresh) throw new Error("no such panel");
    panel.replaceChildren(...fresh.childNodes);
    panel.querySelector(".tab-links [aria-current]")?.focus();
    history.replaceState(null, "", link.href);
  } catch {
    location.assign(link.href); // the session may be over: the browser shows what there is
  } finally {
    panel.removeAttribute("aria-busy");
  }
}

async function refreshLive(element) {
  if (document.hidden) return;
  try {
    const { text } = await (await fetch(element.dataset.live)).json();
    element.querySelector(".live-text").textContent = text;
    element.hidden = !text;
  } catch {
    element.hidden = true; // the server or the session is gone; the next time may tell
  }
}

document.querySelectorAll("[data-live]").forEach((element) => setInterval(refreshLive, 30_000, element));
document.querySelectorAll(".chart").forEach(readChart);
document.addEventListener("click", changeTab);
closeMenus();
