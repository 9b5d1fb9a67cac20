// Clicks on the elements that the page declares by data-discreet-click.
if (!discreet.clicks) {
  discreet.clicks = true;
  addEventListener("click", event => {
    const declared = event.composedPath().find(({dataset}) => dataset?.discreetClick);
    if (declared) discreet("Click", {element: declared.dataset.discreetClick});
  }, true);
}
