/* What the grid says: at a cell, at a row, under the sheet. Text only, never markup. */
window.quoteGrid = window.quoteGrid || {};

window.quoteGrid.marks = () => {
  "use strict";

  const status = document.getElementById("grid-status");
  const aside = document.getElementById("grid-aside");
  const saving = document.getElementById("grid-saving");

  const element = (name, css, text) => {
    const made = document.createElement(name);
    if (css) made.className = css;
    if (text) made.textContent = text;
    return made;
  };
  const button = (text, act) => {
    const made = element("button", "button button--small", text);
    made.type = "button";
    made.addEventListener("click", act);
    return made;
  };
  const sayAt = (cell) => document.getElementById(`${cell.input.id}-say`);

  const trouble = (cell, ...parts) => {
    cell.input.parentElement.classList.toggle("cell--troubled", parts.length > 0);
    if (parts.length) {
      cell.input.setAttribute("aria-invalid", "true");
      cell.input.setAttribute("aria-describedby", `${cell.input.id}-say`);
    } else {
      cell.input.removeAttribute("aria-invalid");
      cell.input.removeAttribute("aria-describedby");
    }
    sayAt(cell).replaceChildren(...parts);
  };

  return {
    clear: (cell) => { if (sayAt(cell).childNodes.length) trouble(cell); },
    mistake: (cell, message) => trouble(cell, element("p", "cell__error", message)),
    conflict: (cell, { mine, theirs, who }, keep, take) => {
      const words = `Changed meanwhile${who ? ` ${who}` : ""}. Theirs: ${theirs || "not stated"}. Yours: ${mine || "not stated"}.`;
      const ways = element("div", "cell__ways");
      ways.append(button("Keep mine", keep), button("Take theirs", take));
      trouble(cell, element("p", "cell__error", words), ways);
    },
    row: (tr, message, ...ways) => {
      const say = tr.querySelector("[data-row-say]");
      say.textContent = message;
      for (const [text, act] of ways) say.append(" ", button(text, act));
    },
    notes: (tr, notes) => {
      for (const place of tr.querySelectorAll("[data-note]")) {
        const note = notes[place.dataset.note];
        if (Array.isArray(note)) {
          place.replaceChildren(...note.map((text) => element("span", "", text)));
          place.hidden = note.length === 0;
        } else if (note !== undefined) {
          place.textContent = note;
        }
      }
    },
    /* What of a pasted block was left out, and a way back for what it was written over. */
    pasted: (notes, over = 0, undo = null) => {
      aside.replaceChildren(...notes.map((note) => element("p", "", note)));
      if (!over) return;
      const line = element("p", "", `The paste was written over ${over} cell${over === 1 ? "" : "s"}. `);
      line.append(button("Put back what was there", undo));
      aside.append(line);
    },
    /* Beside the button that would leave the page: what is not saved, and both ways on. */
    leaving: (beside, { count, first }, goOn) => {
      const old = document.getElementById("grid-leaving");
      if (old) old.remove();
      const notice = element("div", "notice notice--warning");
      notice.id = "grid-leaving";
      notice.setAttribute("role", "alert");
      const words = `${count} cell${count === 1 ? " is" : "s are"} not saved. Going on leaves what stands there behind.`;
      const ways = element("div", "cluster");
      ways.append(button("Show me", () => { notice.remove(); first.focus(); }));
      ways.append(button("Go on without", goOn));
      notice.append(element("p", "notice__body", words), ways);
      beside.before(notice);
      ways.firstElementChild.focus();
    },
    /* What was warned of is stored meanwhile. */
    nothingLeft: () => {
      const notice = document.getElementById("grid-leaving");
      if (!notice) return;
      if (notice.contains(document.activeElement)) notice.nextElementSibling.focus();
      notice.remove();
    },
    /* The status stays where it is for whoever listens to it: unhidden it would be read again. */
    busy: (yes) => {
      saving.hidden = !yes;
      status.classList.toggle("grid__status--covered", yes);
    },
    /* Written only when it says something else than before: it is read out. */
    status: (text, cell = null, tone = "") => {
      if (status.textContent !== text) {
        status.textContent = "";
        if (cell) {
          const link = element("a", "", text);
          link.href = `#${cell.input.id}`;
          status.append(link);
        } else {
          status.textContent = text;
        }
      }
      status.dataset.tone = tone;
    },
  };
};
