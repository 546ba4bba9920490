/* The ready-to-compare panel is drawn anew after each saved cell: what was unfolded stays so. */
(() => {
  "use strict";

  let unfolded = false;

  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target.id !== "readiness") return;
    const more = document.getElementById("more-looks");
    if (more) unfolded = more.open;
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id !== "readiness") return;
    const more = document.getElementById("more-looks");
    if (more) more.open = unfolded;
  });
})();
