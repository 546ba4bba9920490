// What the stock admin lacks: names for two things it leaves to the eye alone, and forms sent once.
for (const head of document.querySelectorAll("th")) {
  if (head.textContent.trim() || head.children.length) continue;
  const name = document.createElement("span");
  name.className = "visually-hidden";
  name.textContent = "Record";
  head.append(name);
}
document.getElementById("searchbar")?.setAttribute("aria-label", "Search");

// However often its button is clicked a form is sent once: the first reply may show what is shown
// once only, and a second would be told that somebody else was quicker.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post" || form.id === "changelist-form") return;
  if (form.dataset.once === "sent") event.preventDefault();
  form.dataset.once = "sent";
});
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of document.querySelectorAll('form[data-once="sent"]')) form.dataset.once = "";
});
