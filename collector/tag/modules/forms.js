// Forms that were submitted, and forms that were begun and left: the form's name, and the name of
// the field that was touched last. Never what is in a field.
import { onViewEnd } from "../view-end.js";

if (!discreet.forms) {
  const begun = new Map(), told = new WeakSet();

  // By getAttribute: a field named "id" or "name" stands before the form's own properties.
  const nameOf = form =>
    ["data-discreet-form", "id", "name"].map(name => form.getAttribute(name)).find(name => name);
  const on = (type, react) => addEventListener(type, ({target}) => {
    try {
      react(target);
    } catch {}
  }, true);

  discreet.forms = true;
  on("input", field => field.form && begun.set(field.form, field));
  on("change", field => field.form && begun.set(field.form, field));
  // Also when a script submits the form, or reads it to send it itself.
  on("formdata", form => begun.delete(form));
  on("submit", form => {
    begun.delete(form);
    discreet("Form: Submission", {form: nameOf(form)});
  });
  onViewEnd(() => {
    begun.forEach((field, form) => {
      if (!told.has(form)) {
        told.add(form);
        discreet("Form: Abandoned", {
          form: nameOf(form),
          field: field.type == "password" ? undefined : field.getAttribute("name") || undefined
        });
      }
    });
    begun.clear();
  });
}
