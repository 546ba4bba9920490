/* What htmx asked for and did not get is said at the top of the page until something comes again;
 * without it a click would do nothing, and a list that refreshes itself would stand still unseen. */
(() => {
  "use strict";

  const OUT_OF_DATE = "What you typed is still here; what is shown may be out of date.";
  const bar = window.alertBar("unanswered");
  /* Said once, however often a page asks in vain: it is read out. */
  const say = (words) => {
    if (!bar.says(words)) bar.say(words);
  };

  for (const lost of ["htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(lost, () => say(`No connection: nothing came back. ${OUT_OF_DATE}`));
  }
  document.addEventListener("htmx:responseError", ({ detail }) => {
    const { status } = detail.xhr;
    if (status === 403) {
      say("The portal refused this: perhaps you signed in or out in another tab. Copy what you typed, and reload the page.");
    } else {
      say(`The portal could not answer (${status}). ${OUT_OF_DATE}`);
    }
  });
  document.addEventListener("htmx:afterOnLoad", ({ detail }) => {
    if (detail.successful) bar.clear();
  });
})();
