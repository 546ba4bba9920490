/* The quotes as a sheet: keys, rows that come and go, blocks pasted into it. Without this file the
 * sheet is a form with a Save button. */
(() => {
  "use strict";

  const form = document.getElementById("grid");
  if (!form) return;
  const { door, marks, saving } = window.quoteGrid;
  const body = document.getElementById("grid-rows");
  const template = document.getElementById("grid-row");
  const BLANK = template.content.querySelector("[data-row]").dataset.row;
  const tell = marks();
  const sheet = saving(form, tell, door(form));

  /* Rows ------------------------------------------------------------------------------------ */

  const inputs = (tr) => [...tr.querySelectorAll("[data-cell]")];
  const input = (tr, name) => tr.querySelector(`[data-cell="${name}"]`);
  const trs = () => [...body.children];

  const newRow = () => {
    const tr = template.content.firstElementChild.cloneNode(true);
    const id = newId();
    for (const element of [tr, ...tr.querySelectorAll("*")]) {
      for (const attribute of element.attributes) {
        if (attribute.value.includes(BLANK)) {
          element.setAttribute(attribute.name, attribute.value.replaceAll(BLANK, id));
        }
      }
    }
    body.append(tr);
    sheet.adopt(tr);
    return tr;
  };
  /* crypto.randomUUID is there on secure addresses only. */
  const newId = () => {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  };
  const isBlank = (tr) => {
    const row = sheet.row(tr.dataset.row);
    return row.isNew && sheet.isEmpty(row);
  };
  const keepOneBlank = () => {
    const last = body.lastElementChild;
    if (!last || !isBlank(last)) newRow();
  };
  const name = (tr) => {
    const carrier = input(tr, "carrier_name").value.trim() || "New row";
    for (const each of inputs(tr)) {
      if (each.dataset.cell !== "carrier_name") {
        each.setAttribute("aria-label", `${carrier}: ${each.dataset.label}`);
      }
    }
    tr.querySelector("[data-more]").textContent = `More of ${carrier}`;
  };
  const drop = (tr) => {
    sheet.forget(sheet.row(tr.dataset.row));
    tr.remove();
    keepOneBlank();
    sheet.report();
  };

  form.addEventListener("row-stored", ({ detail: row }) => {
    delete row.tr.dataset.new;
    row.tr.querySelector(".grid__more").hidden = false;
    const empty = document.getElementById("grid-empty");
    if (empty) empty.remove();
  });
  form.addEventListener("row-drop", ({ detail: row }) => drop(row.tr));
  form.addEventListener("row-anew", ({ detail: row }) => {
    const texts = inputs(row.tr).map((each) => [each.dataset.cell, each.value]);
    const tr = newRow();
    row.tr.before(tr);
    drop(row.tr);
    for (const [cell, text] of texts) fill(input(tr, cell), text);
    name(tr);
    input(tr, "carrier_name").focus();
  });

  /* Moving ---------------------------------------------------------------------------------- */

  const go = (target) => {
    if (!target) return;
    target.focus();
    target.select();
  };
  const vertical = (from, step) => {
    const all = trs();
    const tr = all[all.indexOf(from.closest("[data-row]")) + step];
    return tr ? input(tr, from.dataset.cell) : null;
  };
  const horizontal = (from, step) => {
    const all = [...body.querySelectorAll("[data-cell]")];
    const next = all[all.indexOf(from) + step];
    return next && next.closest("[data-row]") === from.closest("[data-row]") ? next : null;
  };
  const addCarrier = () => {
    keepOneBlank();
    const first = input(body.lastElementChild, "carrier_name");
    first.scrollIntoView({ block: "center" });
    go(first);
  };

  const keys = {
    Enter: (cell, event) => {
      event.preventDefault();
      go(vertical(cell.input, event.shiftKey ? -1 : 1) || cell.input);
    },
    Escape: (cell, event) => {
      if (cell.input.value === cell.raw) return;
      event.preventDefault();
      sheet.back(cell);
      cell.input.select();
    },
    ArrowDown: (cell, event) => between(cell, event, 1),
    ArrowUp: (cell, event) => between(cell, event, -1),
    ArrowRight: (cell, event) => along(cell, event, 1),
    ArrowLeft: (cell, event) => along(cell, event, -1),
  };
  const between = (cell, event, step) => {
    /* While a carrier is being typed, up and down choose among the names offered. */
    if (cell.name === "carrier_name" && !sheet.isStored(cell)) return;
    event.preventDefault();
    go(vertical(cell.input, step));
  };
  const along = (cell, event, step) => {
    const { selectionStart: start, selectionEnd: end, value } = cell.input;
    const whole = start === 0 && end === value.length;
    const atEnd = step > 0 ? start === value.length && end === start : end === 0;
    if (!whole && !atEnd) return;
    const next = horizontal(cell.input, step);
    if (!next) return;
    event.preventDefault();
    go(next);
  };

  const cellAt = (event) => (event.target.matches("[data-cell]") ? sheet.cellOf(event.target) : null);

  form.addEventListener("keydown", (event) => {
    const cell = cellAt(event);
    const act = keys[event.key];
    const withKeys = event.altKey || event.ctrlKey || event.metaKey || event.isComposing;
    if (!cell || !act || withKeys || (event.shiftKey && event.key !== "Enter")) return;
    act(cell, event);
  });
  document.addEventListener("keydown", (event) => {
    if (!event.altKey || event.ctrlKey || event.metaKey || event.code !== "KeyN") return;
    event.preventDefault();
    addCarrier();
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-add-carrier]")) addCarrier();
    /* A link to a cell goes into it: where the panel names one, one wants to write. */
    const link = event.target.closest('a[href*="#c-"]');
    const target = link && document.getElementById(decodeURIComponent(link.hash.slice(1)));
    if (target && target.matches("[data-cell]")) {
      event.preventDefault();
      go(target);
    }
  });

  /* Writing --------------------------------------------------------------------------------- */

  form.addEventListener("focusin", (event) => {
    const cell = cellAt(event);
    if (!cell) return;
    if (sheet.isClean(cell) && cell.input.value === cell.shown) {
      cell.input.value = cell.raw;
      cell.input.select();
    }
  });
  form.addEventListener("input", (event) => {
    const cell = cellAt(event);
    if (!cell) return;
    keepOneBlank();
    if (cell.name === "carrier_name") name(cell.row.tr);
  });
  form.addEventListener("focusout", (event) => {
    const cell = cellAt(event);
    if (!cell) return;
    sheet.leave(cell);
    const tr = cell.row.tr;
    if (tr.contains(event.relatedTarget)) return;
    if (sheet.waits(cell.row)) {
      const carrier = cell.row.cells.carrier_name;
      tell.mistake(carrier, "Write the carrier's name; without it this row is not saved.");
    } else if (isBlank(tr) && tr !== body.lastElementChild && !wasSent(cell.row)) {
      drop(tr);
    }
  });
  const wasSent = (row) => Object.values(row.cells).some((cell) => cell.sent.length || cell.sending !== null);

  const fill = (target, text) => {
    const cell = sheet.cellOf(target);
    target.value = text;
    sheet.leave(cell, { pasted: true });
  };

  /* A block from a spreadsheet: the server says which value belongs into which cell. */
  form.addEventListener("paste", async (event) => {
    const cell = cellAt(event);
    if (!cell) return;
    const text = event.clipboardData.getData("text/plain").replace(/[\r\n]+$/, "");
    if (!/[\t\r\n]/.test(text)) return;
    event.preventDefault();
    tell.busy(true);
    try {
      const block = await sheet.send(form.dataset.paste, { cell: cell.name, text });
      spread(cell, block);
    } catch (error) {
      tell.busy(false);
      const why = error instanceof TypeError ? "there is no connection" : error.message;
      tell.status(`Nothing was pasted: ${why}. It is still on your clipboard.`, null, "bad");
    }
  });
  /* Rows that name their columns find the row of their carrier, or make one; others fill the rows
   * from the cell on. */
  const spread = (cell, block) => {
    const filled = new Set();
    const before = [];
    const named = (carrier) => trs().find((tr) => !filled.has(tr)
      && same(input(tr, "carrier_name").value, carrier));
    let next = cell.row.tr;
    for (const values of block.rows) {
      const tr = (block.by_heading ? named(values.carrier_name || "") : next) || newRow();
      filled.add(tr);
      for (const [each, text] of Object.entries(values)) {
        const target = sheet.cellOf(input(tr, each));
        if (target.raw && sheet.isClean(target)) before.push([target, target.raw]);
        fill(target.input, text);
      }
      name(tr);
      next = tr.nextElementSibling;
    }
    keepOneBlank();
    tell.busy(false);
    const over = before.filter(([target]) => target.pending);
    tell.pasted(block.notes, over.length, () => putBack(over));
    if (document.activeElement === cell.input) cell.input.select();
    sheet.flush();
  };
  const putBack = (over) => {
    for (const [target, text] of over) {
      if (!target.input.isConnected) continue;
      target.input.value = text;
      sheet.leave(target);
      name(target.row.tr);
    }
    tell.pasted([]);
    over[0][0].input.focus();
  };
  const same = (one, other) => one.trim().toLowerCase() === other.trim().toLowerCase();

  /* Leaving the page waits for what is on its way. */
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    const elsewhere = event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
    if (!link || event.defaultPrevented || elsewhere || link.target || !sheet.inFlight()) return;
    if (link.pathname === location.pathname && link.hash) return;
    event.preventDefault();
    sheet.settle().then(() => { location.href = link.href; });
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    sheet.flush();
  });
  /* Another form waits as well; then what still is not saved is told before it is left behind. */
  let waited = false;
  let agreed = false;
  document.addEventListener("submit", (event) => {
    if (event.target === form || event.target.closest("dialog") || agreed) return;
    const { target, submitter } = event;
    if (!waited && sheet.inFlight()) {
      event.preventDefault();
      event.stopImmediatePropagation();
      sheet.settle().then(() => {
        waited = true;
        target.requestSubmit(submitter);
        waited = false;
      });
    } else if (sheet.unsaved()) {
      event.preventDefault();
      event.stopImmediatePropagation();
      tell.leaving(submitter || target, sheet.trouble(), () => {
        agreed = true;
        sheet.letGo();
        target.requestSubmit(submitter);
      });
    }
  }, true);
  document.addEventListener("visibilitychange", () => {
    const cell = document.hidden && document.activeElement.matches("[data-cell]")
      && sheet.cellOf(document.activeElement);
    if (cell) sheet.leave(cell);
  });

  for (const tr of trs()) sheet.adopt(tr);
  for (const element of form.querySelectorAll("[data-without-js]")) element.hidden = true;
  for (const key of document.querySelectorAll("[data-key]")) {
    if (/Mac|iPhone|iPad/.test(navigator.platform)) key.textContent = "⌥N";
  }
  keepOneBlank();
  sheet.flush();
})();
