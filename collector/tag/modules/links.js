// Clicks on links to other hosts: their host and path.
import { onLink } from "../link.js";

if (!discreet.links) {
  const domains = document.querySelector("script[data-domains]")?.dataset.domains.split(/[ ,]+/) ?? [];
  discreet.links = onLink((url, link) => {
    const {host, pathname, protocol} = url;
    if (/^http/.test(protocol) && host != location.host &&
        !domains.some(domain => ("." + host).endsWith("." + domain)) &&
        !discreet.downloads?.(url, link)) {
      discreet("Outbound Link: Click", {url: host + pathname});
    }
  });
}
