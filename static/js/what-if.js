/* An address that says only what was changed: the form's empty fields stay out of the question.
 * Without it the address is longer and says the same. */
(() => {
  "use strict";

  document.addEventListener("htmx:configRequest", (event) => {
    if (event.target.id !== "what-if-form") return;
    const said = event.detail.formData;
    for (const [name, value] of [...said.entries()]) {
      if (value !== "") continue;
      said.delete(name);
      /* The answer says nothing of a field that is not asked about: its complaint goes here. */
      const complaint = document.getElementById(`w-${name}-error`);
      if (complaint) complaint.textContent = "";
    }
  });
})();
