/* Tells before the session ends, and when it has. The server decides; this only asks and says. */
(() => {
  "use strict";

  const { sessionIdle, sessionEnds, sessionAsk, sessionStay, sessionDoor } = document.body.dataset;
  if (!sessionAsk) return;
  const WARN = 300;
  let timer = 0;

  const token = () => JSON.parse(document.body.getAttribute("hx-headers") || "{}")["X-CSRFToken"] || "";
  const clock = (seconds) => new Date(Date.now() + seconds * 1000)
    .toLocaleTimeString("en-US", { hour: "numeric", minute: "2-digit" });

  const { clear, say } = window.alertBar("session-bar");

  const button = (words, act) => {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "button";
    made.textContent = words;
    made.addEventListener("click", act);
    return made;
  };

  const over = () => {
    const link = document.createElement("a");
    link.href = `${sessionDoor}?next=${encodeURIComponent(location.pathname + location.search)}`;
    link.textContent = "Sign in";
    say("You were signed out. What you typed is still on this page: a form that you send leads to signing in, and goes on from there. ", link);
  };

  const read = async (url, options) => {
    const response = await fetch(url, { headers: { Accept: "application/json" }, ...options });
    if (response.redirected) return { left: 0, limit: "" };
    if (!response.ok) throw new Error(String(response.status));
    return response.json();
  };
  const stay = async () => {
    try {
      show(await read(sessionStay, { method: "POST", headers: { "X-CSRFToken": token() } }));
    } catch { wait(15); }
  };

  const show = ({ left, limit }) => {
    if (left <= 0) over();
    else if (left > WARN) {
      clear();
      wait(left - WARN);
    } else {
      if (limit === "idle") say(`You will be signed out at ${clock(left)} unless you go on. `, button("Stay signed in", stay));
      else say(`Your sign-in ends at ${clock(left)}, however busy you are: save what you are at, and sign in again then.`);
      wait(Math.min(left, 60));
    }
  };
  /* Other tabs may have used the session meanwhile, so it is always asked for anew. */
  const ask = async () => {
    try { show(await read(sessionAsk)); } catch { wait(30); }
  };
  const wait = (seconds) => {
    clearTimeout(timer);
    timer = setTimeout(ask, Math.max(seconds, 1) * 1000);
  };

  /* Opening a page was a use; when all ends may come sooner. */
  const ends = Number(sessionEnds);
  const whole = ends ? ends - Date.now() / 1000 : Infinity;
  wait(Math.min(Number(sessionIdle), whole) - WARN);
  /* A laptop that slept: timers stood still. */
  document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(); });
})();
