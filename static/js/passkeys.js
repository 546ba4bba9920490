/* Passkeys: ask the browser for one when the form is sent, and say in the page what went wrong.
   webauthn-json.js, beside it, turns the browser's bytes into JSON and back. */
"use strict";

(() => {
  const SAID = {
    NotAllowedError: "The browser stopped: it was cancelled, or took too long. Try again.",
    InvalidStateError: "This device already holds a passkey of yours for the portal.",
    SecurityError: "The browser takes no passkey at this address.",
  };
  const options = document.getElementById("passkey-options");

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const said = form.querySelector("[data-passkey-said]");

    const say = (text) => {
      said.textContent = text;
      said.hidden = !text;
    };

    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      say("");
      try {
        const asked = JSON.parse(options.textContent);
        const answer = await window.webauthnJSON[form.dataset.passkey](asked);
        form.elements.credential.value = JSON.stringify(answer);
        form.submit();
      } catch (error) {
        say(SAID[error.name] || "This browser does not know passkeys. Use an authenticator app.");
      }
    });
  }
})();
