// Clicks on tel: links: where on the page, never the number.
import { onLink } from "../link.js";

discreet.phone ||= onLink((url, link, event) => {
  if (url.protocol == "tel:") {
    const place = event.composedPath().find(({dataset}) => dataset?.discreetPlace);
    discreet("Phone Click", {place: place?.dataset.discreetPlace});
  }
});
