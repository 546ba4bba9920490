/* An address that says only what was changed: the form's empty fields stay out of it. Without
 * it the address is longer and says the same. */
(() => {
  "use strict";

  document.addEventListener("htmx:configRequest", (event) => {
    if (event.target.id !== "what-if-form") return;
    const said = event.detail.formData;
    for (const [name, value] of [...said.entries()]) if (value === "") said.delete(name);
  });

  const form = document.getElementById("what-if-form");
  form.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    for (const field of form.elements) if (field.value === "") field.disabled = true;
  });
  /* What the browser kept of an abandoned page must not disagree with the sums beside it. */
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) for (const field of form.elements) field.disabled = false;
  });
})();
