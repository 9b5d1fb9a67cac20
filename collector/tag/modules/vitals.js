/*! Holds web-vitals, Copyright Google LLC, Apache-2.0 */
// How fast the page was for its visitor, by the rules of the library web-vitals, and how long the
// server's answer took. Once per load of the page, or return from the back/forward cache.
import { onCLS, onFCP, onINP, onLCP, onTTFB } from "web-vitals";
import { onViewEnd } from "../view-end.js";

if (!discreet.vitals) {
  let values = {}, answered = performance.getEntriesByType("navigation")[0];

  const keep = ({name, value}) => {
    if (values) values[name.toLowerCase()] = Math.round(name == "CLS" ? value * 1000 : value);
  };

  discreet.vitals = true;
  // Before the library's own listeners, which then tell of the new view.
  addEventListener("pageshow", ({persisted}) => {
    if (persisted) {
      values = {};
      answered = 0;
    }
  }, true);
  [onCLS, onFCP, onINP, onLCP, onTTFB].forEach(on => on(keep, {reportAllChanges: true}));
  onViewEnd(() => {
    if (!values) return;
    if (answered?.responseEnd) {
      values.response = Math.round(answered.responseEnd - answered.requestStart);
    }
    discreet("Web Vitals", values);
    values = 0;
  });
}
