/* The ranked list and the chart beside it light each other up, and what was open stays open when
 * a filter swaps them. Without it the marks are plain links to their packages. */
(() => {
  "use strict";

  const lit = "is-lit";
  let shown = null;
  const light = (place) => {
    if (place === shown) return;
    shown = place;
    for (const each of document.querySelectorAll(`[data-package].${lit}`)) each.classList.remove(lit);
    if (place === null) return;
    for (const each of document.querySelectorAll(`[data-package="${CSS.escape(place)}"]`)) {
      each.classList.add(lit);
    }
  };
  const placeOf = (element) => {
    const found = element instanceof Element && element.closest("[data-package]");
    return found ? found.dataset.package : null;
  };
  /* What the pointer is over goes before what has the focus. */
  const focused = () => placeOf(document.activeElement);
  document.addEventListener("pointerover", (event) => light(placeOf(event.target) ?? focused()));
  document.addEventListener("focusin", (event) => light(placeOf(event.target)));
  document.addEventListener("focusout", (event) => light(placeOf(event.relatedTarget)));

  /* What is folded under a package is fetched when it is opened first; until then, and without
   * this, a link leads to it. */
  document.addEventListener(
    "toggle",
    (event) => {
      const way = event.target.open && event.target.querySelector(":scope > .disclosure__body > [data-part]");
      if (!way || way.dataset.asked) return;
      way.dataset.asked = "yes";
      const address = `${way.getAttribute("href")}?part=${way.dataset.part}`;
      const asked = htmx.ajax("GET", address, { source: way, target: way, swap: "outerHTML" });
      asked.catch(() => {}); // said by the page's own notice, and undone below
    },
    true,
  );

  for (const failed of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(failed, ({ target }) => {
      if (target instanceof HTMLElement && target.dataset.part) delete target.dataset.asked;
    });
  }

  /* A package with the fold it was opened in survives a filter that keeps it, with what was
   * fetched for it. htmx gives the focus back to what is there again; where that is gone, the list
   * goes on where one was. */
  let open = [];
  let left = "";
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.target.id !== "results") return;
    open = [...event.target.querySelectorAll("details[open][id]:not(.menu)")].map((each) => ({
      id: each.id,
      fetched: each.querySelector(":scope > .disclosure__body:not(:has(> [data-part]))"),
      ofPackage: each.closest(".solution") !== null,
    }));
    left = event.target.contains(document.activeElement) ? document.activeElement.id : "";
  });
  document.addEventListener("htmx:afterSwap", () => {
    for (const { id, fetched, ofPackage } of open) {
      const found = document.getElementById(id);
      if (!found) continue;
      found.open = true;
      const empty = ofPackage && fetched && found.querySelector(":scope > .disclosure__body");
      if (empty) empty.replaceWith(fetched);
    }
    open = [];
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    /* What else settles meanwhile says nothing of the list, whose links are still plain ones. */
    if (event.target.id !== "results") return;
    const gone = left && !document.getElementById(left);
    left = "";
    if (!gone) return;
    const taken = [...document.querySelectorAll("#results .chip--taken")].pop();
    const here = taken || document.getElementById("reset") || document.getElementById("chip-all");
    if (here) here.focus();
  });
})();
