/* The quote's form: how a field is read is asked of the server when it is left (htmx); here only the
 * field's own mark follows the answer. Without it the form says the same once it is saved. */
(() => {
  "use strict";

  document.addEventListener("htmx:afterSwap", (event) => {
    const below = event.detail.target;
    if (!below || !below.classList.contains("field__below")) return;
    const input = document.getElementById(below.id.replace(/_reading$/, ""));
    const wrong = below.querySelector(".field__error") !== null;
    below.parentElement.classList.toggle("field--error", wrong);
    if (wrong) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  });

  /* A percentage of coverage A is said in dollars as well: said anew when coverage A changes. */
  document.addEventListener("change", (event) => {
    if (!event.target.name || !event.target.name.endsWith("-home-coverage_a")) return;
    for (const input of event.target.form.querySelectorAll('[name^="lines-home-"]')) {
      const share = input !== event.target && input.value.includes("%");
      if (share) htmx.trigger(input.parentElement, "change");
    }
  });
})();
