// Names for two things the stock admin leaves to the eye alone.
for (const head of document.querySelectorAll("th")) {
  if (head.textContent.trim() || head.children.length) continue;
  const name = document.createElement("span");
  name.className = "visually-hidden";
  name.textContent = "Record";
  head.append(name);
}
document.getElementById("searchbar")?.setAttribute("aria-label", "Search");
