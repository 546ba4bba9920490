/* Signing in again without leaving the page: the real sign-in page's form in a <dialog>, so that
 * its limits on attempts, and any second step it asks for, hold here too. */
window.quoteGrid = window.quoteGrid || {};

window.quoteGrid.door = (form) => {
  "use strict";

  const dialog = document.getElementById("grid-door");
  const place = document.getElementById("door-form");
  const told = document.getElementById("door-say");
  let waiting = null;
  let letIn = null;

  const say = (text) => { told.textContent = text; };

  /* The page's forms and htmx go on with the token of the new session. */
  const useToken = (token) => {
    document.body.setAttribute("hx-headers", JSON.stringify({ "X-CSRFToken": token }));
    for (const input of document.querySelectorAll("input[name=csrfmiddlewaretoken]")) {
      if (!place.contains(input)) input.value = token;
    }
  };

  const close = (signedIn) => {
    const settle = letIn;
    waiting = letIn = null;
    place.replaceChildren();
    if (dialog.open) dialog.close();
    if (settle) settle(signedIn);
  };

  const post = (url, fields) => fetch(url, {
    method: "POST",
    headers: { Accept: "text/html,application/json" },
    body: new URLSearchParams(fields),
  });

  /* Somebody is signed in who may not change this insured. */
  const offerAnother = (page) => {
    say("Whoever is signed in now may not change this insured. What you typed is still on this page. Sign in as its broker to save it.");
    let token = "";
    try {
      token = JSON.parse(page.body.getAttribute("hx-headers"))["X-CSRFToken"];
    } catch { /* Without a token signing out is refused, and said so. */ }
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button button--primary button--wide";
    button.textContent = "Sign in as somebody else";
    button.addEventListener("click", () => guarded(async () => {
      await post(dialog.dataset.leave, { csrfmiddlewaretoken: token });
      say("");
      await ask();
    }));
    place.replaceChildren(button);
    button.focus();
  };

  const show = (page, address) => {
    const found = page.querySelector(".entrance__card form");
    if (!found) {
      const words = page.querySelector("main h1");
      say(words ? words.textContent : "The sign-in page did not answer. Try again.");
      return;
    }
    const copy = document.importNode(found, true);
    copy.setAttribute("action", new URL(found.getAttribute("action") || address, address).href);
    place.replaceChildren(copy);
    const first = copy.querySelector("input:not([type=hidden])");
    if (first) first.focus();
  };

  const judge = async (response) => {
    const kind = response.headers.get("Content-Type") || "";
    if (kind.startsWith("application/json")) {
      const answer = await response.json();
      if (!response.ok) { await ask(); return; }
      useToken(answer.token);
      close(true);
      return;
    }
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const here = new URL(response.url).pathname === new URL(form.dataset.save, location.href).pathname;
    if (response.status === 404 && here) offerAnother(page);
    else show(page, response.url);
  };

  /* The sign-in page; who is signed in already, in another tab, is sent on to the grid. */
  const ask = async () => {
    const next = encodeURIComponent(form.dataset.save);
    await judge(await fetch(`${form.dataset.door}?next=${next}`, { headers: { Accept: "text/html" } }));
  };

  const guarded = async (act) => {
    try {
      await act();
    } catch {
      say("No connection. What you typed is kept; try again in a moment.");
    }
  };

  dialog.addEventListener("submit", (event) => {
    event.preventDefault();
    const sent = event.target;
    const fields = new FormData(sent, event.submitter);
    say("");
    guarded(async () => judge(await post(sent.action, fields)));
  });
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    close(false);
  });
  document.getElementById("door-later").addEventListener("click", () => close(false));
  /* Signed in meanwhile in another tab: no need to do it twice. */
  window.addEventListener("focus", () => {
    if (dialog.open) quiet();
  });
  const quiet = async () => {
    try {
      const response = await fetch(form.dataset.save, { headers: { Accept: "application/json" } });
      if (response.ok && dialog.open) await judge(response);
    } catch { /* Still away; the dialog stays. */ }
  };

  return {
    token: () => form.querySelector("input[name=csrfmiddlewaretoken]").value,
    /* True once somebody who may change this insured is signed in; false when put off. */
    again: () => {
      if (waiting) return waiting;
      waiting = new Promise((resolve) => { letIn = resolve; });
      say("");
      dialog.showModal();
      guarded(ask);
      return waiting;
    },
    /* A token for the session as it is now; false when nobody is signed in. */
    renew: async () => {
      const response = await fetch(form.dataset.save, { headers: { Accept: "application/json" } });
      if (!response.ok) return false;
      useToken((await response.json()).token);
      return true;
    },
  };
};
