// Products that the page shows, by data-discreet-product: each once per view of a page, also
// those that come later.
if (!discreet.products) {
  let place, shown, known = new WeakMap(), timer;

  const look = () => {
    timer = 0;
    if (place != location.pathname) shown = new Set();
    place = location.pathname;
    for (const element of document.querySelectorAll("[data-discreet-product]")) {
      const {discreetProduct: product, discreetCategory: category} = element.dataset;
      // What a single-page site has not taken away yet belongs to the view before.
      if (known.get(element) != product) {
        known.set(element, product);
        if (product && !shown.has(product)) discreet("Product View", {product, category});
        shown.add(product);
      }
    }
  };

  discreet.products = true;
  look();
  // Many changes at once are looked at once.
  new MutationObserver(() => timer ||= setTimeout(look, 100)).observe(document, {
    attributeFilter: ["data-discreet-product"],
    childList: true,
    subtree: true
  });
  addEventListener("pageshow", ({persisted}) => {
    if (persisted) {
      place = 0;
      known = new WeakMap();
      look();
    }
  });
}
