// The tag for sites that are built: the same code as /tag.js, started by a call. On a server,
// where there is no window, every function does nothing. See README.md.
import core from "./core.js";

const READS = {
  w: () => outerWidth,
  // Intl is slow when it is asked first, and loads what a page may never need.
  tz: () => self.Temporal?.Now.timeZoneId() ?? Intl.DateTimeFormat().resolvedOptions().timeZone
};

// The same function as the tag makes; whichever comes first does.
function shared() {
  return window.discreet ||= (...call) => {
    (window.discreet.q ||= []).push(call);
    dispatchEvent(new Event("discreet"));
  };
}

const flag = value => value ? "" : undefined;

export function init({ site, server, api, modules = [], consent, child, hash, exclude, beforeSend,
  reads = Object.keys(READS) }) {
  if (typeof window === "undefined") return;
  // A name that no other script of the page can take.
  const filter = beforeSend && Symbol("discreet");
  if (filter) window[filter] = beforeSend;
  core(() => Object.fromEntries(reads.map(key => [key, READS[key]()])), {
    src: server,
    dataset: {
      site, api, exclude,
      modules: modules.join(),
      consent: flag(consent),
      child: flag(child),
      hash: flag(hash),
      beforeSend: filter
    }
  });
}

export function track(name, props) {
  if (typeof window !== "undefined") shared()(name, props);
}

export function consent(told) {
  if (typeof window === "undefined") return;
  const discreet = shared();
  // Before init there is nobody to tell: the state waits for it.
  if (discreet.consent) discreet.consent(told);
  else discreet.told = told ?? null;
}
