/* The little the pages ask of a browser beyond HTML and htmx. Without it everything still works:
 * the theme follows the system, menus stay <details>, and no question is asked before a POST. */
(() => {
  "use strict";

  const root = document.documentElement;

  /* One thing that happened to the page, above it and read out, until it is over. */
  window.alertBar = (id) => {
    let bar = null;
    const clear = () => {
      if (bar) bar.remove();
      bar = null;
    };
    const say = (...words) => {
      clear();
      bar = document.createElement("div");
      bar.className = "alert-bar alert-bar--now";
      bar.id = id;
      bar.setAttribute("role", "alert");
      const line = document.createElement("p");
      line.append(...words);
      bar.append(line);
      document.querySelector("main").before(bar);
    };
    return { clear, say, says: (words) => bar !== null && bar.textContent === words };
  };

  /* Theme: kept in a cookie so that the server writes data-theme and no page flashes. */
  const showTheme = () => {
    const now = root.dataset.theme || "auto";
    for (const button of document.querySelectorAll("[data-theme-choice]")) {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === now));
    }
  };
  const chooseTheme = (choice) => {
    const secure = location.protocol === "https:" ? ";secure" : "";
    const age = choice === "auto" ? 0 : 31536000;
    document.cookie = `theme=${choice};path=/;max-age=${age};samesite=lax${secure}`;
    if (choice === "auto") delete root.dataset.theme;
    else root.dataset.theme = choice;
    showTheme();
  };
  for (const element of document.querySelectorAll("[data-needs-js]")) element.hidden = false;
  showTheme();

  const closeMenus = (except) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (menu !== except) menu.open = false;
    }
  };

  document.addEventListener("click", (event) => {
    const theme = event.target.closest("[data-theme-choice]");
    if (theme) chooseTheme(theme.dataset.themeChoice);

    /* Demo logins: "Use" fills the sign-in form beside it. */
    const demo = event.target.closest("[data-fill-login]");
    if (demo) {
      document.getElementById("id_login").value = demo.dataset.fillLogin;
      document.getElementById("id_password").value = demo.dataset.fillPassword;
      document.querySelector("[data-sign-in]").focus();
    }
    closeMenus(event.target.closest("details.menu"));
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = event.target.closest("details.menu[open]");
    closeMenus();
    if (menu) menu.querySelector("summary").focus();
  });

  /* Ask before what cannot be undone; send a form once however often it is clicked. */
  document.addEventListener("submit", (event) => {
    const form = event.target;
    const question = (event.submitter && event.submitter.dataset.confirm) || form.dataset.confirm;
    if (question && !window.confirm(question)) {
      event.preventDefault();
      return;
    }
    if (!("once" in form.dataset)) return;
    if (form.dataset.once === "sent") event.preventDefault();
    form.dataset.once = "sent";
    if (event.submitter) event.submitter.setAttribute("aria-disabled", "true");
  });
  /* Coming back with the browser's Back button, a form may be sent again. */
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    for (const form of document.querySelectorAll('form[data-once="sent"]')) {
      form.dataset.once = "";
      for (const button of form.querySelectorAll("[aria-disabled]")) button.removeAttribute("aria-disabled");
    }
  });

  /* After a refused form the reader starts at what keeps it from being saved. */
  const summary = document.querySelector(".error-summary, .notice[tabindex]");
  if (summary) summary.focus();
})();
