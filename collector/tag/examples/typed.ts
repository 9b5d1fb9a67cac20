import { consent, init, track, type Hit } from "discreet-tag";

init({
  site: "example.org",
  server: "https://stats.example.org",
  modules: ["links", "vitals"],
  consent: true,
  exclude: /\/admin\//,
  beforeSend: (hit: Hit) => (hit.n === "noise" ? null : { ...hit, p: { plan: "free" } })
});
track("signup", { plan: "free", seats: 3 });
consent({ version: "3", purposes: ["audience"] });
consent(null);

// @ts-expect-error: there is no such module
init({ site: "example.org", server: "https://stats.example.org", modules: ["everything"] });
// @ts-expect-error: a property holds one value
track("signup", { plan: ["free"] });
