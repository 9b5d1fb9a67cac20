// Adds to pages that work without it: read the chart by pointer or keys, close menus.
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
  let chosen = -1;

  function choose(index) {
    points[chosen]?.element.classList.remove("chosen");
    chosen = index;
    points[chosen]?.element.classList.add("chosen");
    output.textContent = points[chosen]?.text ?? output.dataset.rest;
  }

  choose(-1);
  plot.setAttribute("tabindex", "0");
  plot.addEventListener("pointermove", (event) => {
    const box = plot.getBoundingClientRect();
    const index = Math.floor((event.clientX - box.left) / box.width * points.length);
    choose(Math.min(points.length - 1, Math.max(0, index)));
  });
  plot.addEventListener("pointerleave", () => choose(-1));
  plot.addEventListener("blur", () => choose(-1));
  plot.addEventListener("keydown", (event) => {
    const last = points.length - 1;
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
  const menus = Array.from(document.querySelectorAll(".menu"));
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

document.querySelectorAll(".chart").forEach(readChart);
closeMenus();
