// How often the pointer was seen, and pressed, in each cell of a grid laid over the whole page: at
// most four times a second, without order or time. The policy's grid has as many cells.
import { onViewEnd } from "../view-end.js";

if (!discreet.pointer) {
  const CELLS = 20;
  let moved = {}, pressed = {}, last = -250;

  const cell = (at, whole) => Math.max(0, Math.min(CELLS - 1, Math.floor(CELLS * at / whole)));
  const add = (cells, {pageX, pageY}) => {
    const {scrollWidth, scrollHeight} = document.documentElement;
    const key = cell(pageX, scrollWidth) + "." + cell(pageY, scrollHeight);
    cells[key] = (cells[key] || 0) + 1;
  };
  const told = cells => Object.keys(cells).map(key => key + "*" + cells[key]).join(" ") || undefined;

  discreet.pointer = true;
  addEventListener("pointermove", event => {
    if (event.timeStamp - last < 250) return;
    last = event.timeStamp;
    add(moved, event);
  }, true);
  addEventListener("pointerdown", event => add(pressed, event), true);
  onViewEnd(() => {
    const seen = {moved: told(moved), pressed: told(pressed)};
    moved = {};
    pressed = {};
    if (seen.moved || seen.pressed) discreet("Pointer", seen);
  });
}
