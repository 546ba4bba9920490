/* Ticked packages: the bar counts them, the address keeps them, a filter carries them along.
 * Without it the boxes are a plain form, and the server counts. */
(() => {
  "use strict";

  const bar = () => document.getElementById("pick-bar");
  const picked = () => new FormData(bar()).getAll("pick");
  const withPicks = (address, picks) => {
    const url = new URL(address, location.href);
    url.searchParams.delete("pick");
    for (const place of picks) url.searchParams.append("pick", place);
    return url.pathname + url.search + url.hash;
  };
  const say = (count, incumbent, most) => {
    const enough = count + (incumbent ? 1 : 0) >= 2 && count >= 1;
    if (count > most) return `${count} picked; at most ${most} fit beside one another`;
    if (!count) return bar().elements.namedItem("incumbent")
      ? "Tick two to four packages, or one and what is in force"
      : "Tick two to four packages";
    return enough ? `${count} picked${incumbent ? ", beside what is in force" : ""}` : "1 picked; tick one more";
  };
  const count = () => {
    if (!bar()) return;
    const fields = new FormData(bar());
    const picks = fields.getAll("pick");
    const shown = picks.length + (fields.get("incumbent") ? 1 : 0);
    const said = document.getElementById("pick-said");
    const words = say(picks.length, fields.get("incumbent"), Number(bar().dataset.most));
    if (said.textContent !== words) said.textContent = words;
    document.getElementById("pick-go").textContent = `Compare ${shown > 1 ? `${shown} ` : ""}side by side`;
  };

  document.addEventListener("change", (event) => {
    const box = event.target;
    if (!bar() || !box.form || box.form !== bar()) return;
    count();
    if (box.name === "pick") history.replaceState(history.state, "", withPicks(location.href, picked()));
  });
  document.addEventListener("htmx:configRequest", (event) => {
    const { detail } = event;
    if (!bar() || !detail.target || detail.target.id !== "results") return;
    if (detail.formData) detail.formData.delete("pick");
    detail.path = withPicks(detail.path, picked());
  });
  document.addEventListener("htmx:afterSwap", count);
  addEventListener("pageshow", count);
})();
