/* What of the grid is stored and what is not yet, and sending it: one request at a time, nothing
 * forgotten when it fails. */
window.quoteGrid = window.quoteGrid || {};

window.quoteGrid.saving = (form, marks, door) => {
  "use strict";

  const MOST_ROWS = 40;
  const WAITS = [1, 2, 4, 8, 15, 30];
  const rows = new Map();
  let busy = false;
  let lost = 0;
  let why = "";
  let retry = 0;
  let halted = "";
  let putOff = false;
  let savedAt = "";
  let settled = [];

  const text = (cell) => cell.input.value.trim();
  const focused = (cell) => document.activeElement === cell.input;
  const cellsOf = (row) => Object.values(row.cells);
  const all = () => [...rows.values()].flatMap(cellsOf);
  const isStored = (cell) => [cell.raw, cell.shown, cell.accepted].includes(text(cell));
  const isClean = (cell) => !cell.pending && cell.sending === null && !cell.error && !cell.conflict;
  const isEmpty = (row) => cellsOf(row).every((cell) => !text(cell));
  /* Nothing of a new row is stored before its carrier is. */
  const waits = (row) => row.isNew
    && (!text(row.cells.carrier_name) || row.cells.carrier_name.error !== "")
    && cellsOf(row).some((cell) => cell.pending);

  /* Rows ------------------------------------------------------------------------------------ */

  const adopt = (tr) => {
    const was = JSON.parse(tr.querySelector("[data-was]").value || "{}");
    const row = { id: tr.dataset.row, tr, isNew: "new" in tr.dataset, gone: false, cells: {} };
    for (const input of tr.querySelectorAll("[data-cell]")) {
      const [raw, shown] = was[input.dataset.cell] || ["", ""];
      const cell = {
        input, row, name: input.dataset.cell, raw, shown, accepted: raw, sent: [], sending: null,
        pending: false, error: "", bad: null, conflict: null, pasted: false,
      };
      row.cells[cell.name] = cell;
      if (!isStored(cell)) cell.pending = true;
    }
    rows.set(row.id, row);
    return row;
  };
  const cellOf = (input) => {
    const row = rows.get(input.closest("[data-row]").dataset.row);
    return row ? row.cells[input.dataset.cell] : null;
  };
  const forget = (row) => rows.delete(row.id);

  /* Cells ----------------------------------------------------------------------------------- */

  const clear = (cell) => {
    cell.error = "";
    cell.bad = cell.conflict = null;
    marks.clear(cell);
  };
  const show = (cell) => {
    if (!focused(cell)) cell.input.value = cell.input.title = cell.shown;
  };

  const leave = (cell, { pasted = false } = {}) => {
    if (cell.row.gone) return;
    if (cell.conflict && text(cell) === cell.conflict.mine) return;
    if (cell.error && text(cell) === cell.bad) return;
    if (isStored(cell) && cell.sending === null && !cell.sent.length) {
      cell.pending = false;
      clear(cell);
      show(cell);
    } else if (text(cell) !== cell.sending) {
      cell.pending = true;
      cell.pasted = pasted;
      clear(cell);
    }
    soon();
  };
  const back = (cell) => {
    clear(cell);
    cell.input.value = cell.raw;
    /* What was sent may have arrived: then the stored value has to be put back, too. */
    cell.pending = cell.sent.length > 0 || cell.sending !== null;
    if (cell.pending) soon();
    report();
  };

  const conflict = (cell, found) => {
    cell.conflict = { ...found, mine: text(cell) };
    const take = (raw, shown) => {
      cell.raw = raw;
      cell.shown = shown;
      cell.accepted = raw;
      cell.sent = [];
      clear(cell);
    };
    const keep = () => {
      take(found.raw, found.shown);
      cell.pending = true;
      cell.input.focus();
      soon();
    };
    const yieldTo = () => {
      take(found.raw, found.shown);
      cell.input.value = found.raw;
      cell.input.focus();
      report();
    };
    marks.conflict(cell, { mine: text(cell), theirs: found.shown, who: found.who }, keep, yieldTo);
  };

  /* Sending --------------------------------------------------------------------------------- */

  class Refused extends Error {}

  const send = async (url, payload) => {
    for (let attempt = 0; attempt < 4; attempt += 1) {
      const response = await fetch(url, {
        method: "POST",
        headers: {
          "Content-Type": "application/json",
          "Accept": "application/json",
          "X-CSRFToken": door.token(),
        },
        body: JSON.stringify(payload),
      });
      if (response.ok) return response.json();
      if (response.status === 401) {
        if (!(await door.again())) {
          putOff = true;
          throw new Refused("you are signed out");
        }
      } else if (response.status === 403) {
        /* The token is another session's: somebody signed in in another tab. */
        if (!(await door.renew()) && !(await door.again())) {
          putOff = true;
          throw new Refused("you are signed out");
        }
      } else if (response.status === 404) {
        throw new Refused("this insured is not open to whoever is signed in now, or was deleted");
      } else if (response.status === 400 || response.status === 413) {
        const answer = await response.json().catch(() => ({}));
        throw new Refused(answer.message || "the server did not take it");
      } else {
        throw new Error(`answer ${response.status}`);
      }
    }
    throw new Refused("the server did not take it; reload the page once you copied what you need");
  };

  const collect = () => {
    const batch = [];
    for (const row of rows.values()) {
      if (batch.length >= MOST_ROWS) break;
      if (row.gone || waits(row)) continue;
      const cells = cellsOf(row).filter((cell) => cell.pending);
      if (!cells.length) continue;
      const sent = {};
      for (const cell of cells) {
        cell.sending = text(cell);
        cell.pending = false;
        sent[cell.name] = {
          value: cell.sending.slice(0, 2000),
          was: [cell.raw, ...cell.sent].map((each) => each.slice(0, 2000)),
          pasted: cell.pasted,
        };
      }
      batch.push({ id: row.id, new: row.isNew, cells: sent });
    }
    return batch;
  };

  const giveBack = (arrived) => {
    for (const cell of all()) {
      if (cell.sending === null) continue;
      if (!arrived && !cell.sent.includes(cell.sending)) {
        cell.sent = [...cell.sent, cell.sending].slice(-12);
      }
      cell.sending = null;
      cell.pending = true;
    }
  };

  const takeCell = (cell, result, stored) => {
    const [raw, shown] = stored || ["", ""];
    if (cell.sending === null) {
      if (isClean(cell) && !focused(cell) && isStored(cell)) {
        Object.assign(cell, { raw, shown, accepted: raw });
        show(cell);
      }
      return;
    }
    const sent = cell.sending;
    const retyped = text(cell) !== sent;
    cell.sending = null;
    if (!result) { cell.pending = true; return; }
    if (retyped && !focused(cell)) cell.pending = true;
    if (result.outcome === "saved") {
      Object.assign(cell, { raw, shown, accepted: sent, sent: [], pasted: false });
      if (!retyped) show(cell);
    } else if (result.outcome === "mistake") {
      if (retyped) return;
      cell.error = result.message;
      cell.bad = sent;
      marks.mistake(cell, result.message);
    } else if (!retyped) {
      conflict(cell, result);
    }
  };

  const take = (answer) => {
    for (const each of answer.rows) {
      const row = rows.get(each.id);
      if (!row) continue;
      if (each.state === "gone") {
        for (const cell of cellsOf(row)) cell.sending = null;
        row.gone = true;
        marks.row(row.tr, each.message, ["Add it anew", () => form.dispatchEvent(
          new CustomEvent("row-anew", { detail: row }))], ["Drop it", () => form.dispatchEvent(
          new CustomEvent("row-drop", { detail: row }))]);
        continue;
      }
      if (each.state === "stored" && row.isNew) {
        row.isNew = false;
        form.dispatchEvent(new CustomEvent("row-stored", { detail: row }));
      }
      for (const cell of cellsOf(row)) {
        takeCell(cell, each.cells[cell.name], (each.stored || {})[cell.name]);
      }
      if (each.notes) marks.notes(row.tr, each.notes);
    }
    document.getElementById("grid-meta").textContent = answer.meta;
    savedAt = answer.at;
    document.body.dispatchEvent(new CustomEvent("quotes-changed"));
  };

  const flush = async () => {
    if (busy) return;
    if (putOff) { finish(); return; }
    const batch = collect();
    if (!batch.length) { finish(); return; }
    busy = true;
    clearTimeout(retry);
    marks.busy(true);
    try {
      const answer = await send(form.dataset.save, { rows: batch });
      lost = 0;
      halted = "";
      take(answer);
    } catch (error) {
      giveBack(error instanceof Refused);
      if (error instanceof Refused) {
        halted = error.message;
      } else {
        retry = setTimeout(flush, 1000 * WAITS[Math.min(lost, WAITS.length - 1)]);
        lost += 1;
        why = error instanceof TypeError ? "no connection" : "the server does not answer";
      }
    } finally {
      busy = false;
      marks.busy(false);
    }
    if (!lost && !halted && rowsToSend()) flush();
    else finish();
  };
  const rowsToSend = () => [...rows.values()].some((row) => !row.gone && !waits(row)
    && cellsOf(row).some((cell) => cell.pending));
  const soon = () => {
    report();
    if (putOff) putOff = false;
    setTimeout(flush);
  };
  const finish = () => {
    report();
    for (const resolve of settled) resolve();
    settled = [];
  };

  /* Telling --------------------------------------------------------------------------------- */

  const nameOf = (cell) => {
    const carrier = text(cell.row.cells.carrier_name) || "New row";
    return cell.name === "carrier_name" ? carrier : `${carrier}, ${cell.input.dataset.label}`;
  };
  const report = () => {
    const cells = all();
    const open = cells.filter((cell) => cell.pending || cell.sending !== null);
    const troubled = cells.filter((cell) => cell.error || cell.conflict);
    const waiting = [...rows.values()].filter(waits);
    const gone = [...rows.values()].filter((row) => row.gone);
    const count = (list, one) => `${list.length} ${one}${list.length === 1 ? "" : "s"}`;
    form.dataset.unsaved = open.length;
    if (!unsaved()) marks.nothingLeft();
    if (busy && !lost) return;
    if (halted && open.length) {
      marks.status(`${count(open, "change")} not saved: ${halted}.`, null, "bad");
    } else if (lost && open.length) {
      marks.status(`${count(open, "change")} not saved: ${why}, trying again`, null, "bad");
    } else if (troubled.length) {
      marks.status(`${count(troubled, "cell")} not saved: ${nameOf(troubled[0])}`, troubled[0], "bad");
    } else if (gone.length) {
      marks.status(`${count(gone, "row")} not saved: the quote was deleted meanwhile`, gone[0].cells.carrier_name, "bad");
    } else if (waiting.length) {
      marks.status(`${count(waiting, "row")} not saved: the carrier is missing`, waiting[0].cells.carrier_name, "warn");
    } else if (!open.length) {
      marks.status(savedAt ? `All changes saved ${savedAt}` : "Saves by itself as you leave a cell. Rows from a spreadsheet can be pasted into any cell.");
    }
  };

  /* Something that would be lost if the page were left now. */
  const unsaved = () => all().some((cell) => !isClean(cell)
      || (focused(cell) && !isStored(cell)))
    || [...rows.values()].some((row) => row.gone);
  /* The cells with something that is not stored: how many, and the first to go to. */
  const trouble = () => {
    const found = all().filter((cell) => !isClean(cell) || cell.row.gone
      || (focused(cell) && !isStored(cell)));
    return { count: found.length, first: found[0] && found[0].input };
  };
  let leaving = false;
  const inFlight = () => busy || rowsToSend();

  window.addEventListener("online", () => { if (lost) flush(); });
  window.addEventListener("beforeunload", (event) => { if (unsaved() && !leaving) event.preventDefault(); });

  return {
    adopt, forget, cellOf, leave, back, flush: soon, send, isClean, isEmpty, isStored, waits, report,
    row: (id) => rows.get(id),
    rows: () => [...rows.values()],
    unsaved,
    trouble,
    letGo: () => { leaving = true; },
    inFlight,
    /* Once what can be saved is saved, or the connection is lost. */
    settle: () => new Promise((resolve) => {
      settled.push(resolve);
      setTimeout(flush);
    }),
  };
};
