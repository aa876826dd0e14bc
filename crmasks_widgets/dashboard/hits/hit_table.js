// A page of the table of hits. The kernel sorts, filters and cuts the page; here it is drawn.

/**
 * @typedef {Object} Column
 * @property {string} name
 * @property {string} label
 * @property {string} help
 * @property {boolean} numeric
 */

/**
 * @typedef {Object} Row
 * @property {number} number of the hit in the order of the table
 * @property {number} at what the kernel knows it by
 * @property {string[]} cells texts, one to a column
 * @property {string} colour of its method
 * @property {boolean} brushed whether it is in the selected area of the diagram
 * @property {string} verdict
 * @property {boolean} chosen whether a verdict would be for it, too
 */

/** @param {HTMLElement} row @param {Model} model */
function showHeader(row, model) {
  const { column: sorted, descending } = model.get("order");
  /** @type {Column[]} */
  const columns = model.get("columns");
  /** @param {Column} column */
  const make = ({ name, help, numeric }) => {
    const button = element("button", { type: "button" });
    button.addEventListener("click", () => model.send({ event: "sort", column: name }));
    return element("th", { scope: "col", title: help, className: numeric ? "number" : "" }, button);
  };
  keep(row, columns, ({ name }) => name, make, (cell, { name, label }) => {
    const mark = sorted === name ? (descending ? " ▼" : " ▲") : "";
    /** @type {Element} */ (cell.firstElementChild).textContent = label + mark;
    if (mark) cell.setAttribute("aria-sort", descending ? "descending" : "ascending");
    else cell.removeAttribute("aria-sort");
  });
}

/**
 * @param {HTMLElement} row
 * @param {Column[]} columns
 * @param {string[]} cells
 * @param {string} colour
 */
function showCells(row, columns, cells, colour) {
  /** @param {Column} column */
  const make = ({ name, numeric }) => {
    const cell = element("td", { className: numeric ? "number" : "" });
    if (name === "method") cell.append(element("span", { className: "swatch" }));
    cell.append(document.createTextNode(""));
    return cell;
  };
  let i = 0;
  keep(row, columns, ({ name }) => name, make, (cell, { name }) => {
    const text = cells[i++];
    /** @type {Text} */ (cell.lastChild).data = text;
    const swatch = cell.firstElementChild;
    if (swatch) swatch.style.background = colour;
    if (name === "reason") row.title = text; // often beyond the edge of the table
  });
}

/** @param {HTMLElement} body @param {Model} model */
function showRows(body, model) {
  /** @type {Column[]} */
  const columns = model.get("columns");
  /** @type {Row[]} */
  const rows = model.get("rows");
  const make = () => element("tr");
  // A row stays that of its hit: a click on it means that one.
  keep(body, rows, ({ at }) => at, make, (row, { number, at, cells, colour, brushed, verdict, chosen }) => {
    Object.assign(row.dataset, { number, at });
    row.classList.toggle("brushed", brushed);
    row.classList.toggle("chosen", chosen);
    row.classList.toggle("out", verdict === "rejected" || verdict === "ignored");
    showCells(row, columns, cells, colour);
    const selected = number === model.get("selected");
    if (selected) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
    row.tabIndex = selected || number === rows[0].number ? 0 : -1;
  });
}

/** @param {Widget} widget */
function render({ model, el }) {
  const [head, body] = [element("tr"), element("tbody")];
  const caption = element("caption");
  const label = element("span");
  label.setAttribute("aria-live", "polite");
  /** @param {string} text @param {number} by pages */
  const turn = (text, by) => {
    const button = element("button", { type: "button", textContent: text });
    button.addEventListener("click", () => model.send({ event: "turn", by }));
    return button;
  };
  const [back, on] = [turn("previous page", -1), turn("next page", 1)];
  caption.append(label, back, on);
  const table = element("table", {}, caption, element("thead", {}, head), body);
  const scroller = element("div", { className: "crmasks-table" }, table);
  el.append(scroller);

  /** @type {number | null} */
  let brought = null; // the row that was brought on screen last
  const bring = () => {
    const row = /** @type {HTMLElement | null} */ (table.querySelector("tr[aria-current]"));
    if (!row || model.get("selected") === brought) return;
    brought = model.get("selected");
    const top = row.offsetTop - head.offsetHeight;
    const lowest = row.offsetTop + row.offsetHeight - scroller.clientHeight;
    if (scroller.scrollTop > top) scroller.scrollTop = top;
    else if (scroller.scrollTop < lowest) scroller.scrollTop = lowest;
  };

  // Where the focus goes once a page that was asked for by a key is there.
  /** @type {"first" | "last" | null} */
  let goTo = null;
  const draw = () => {
    const rows = [...table.querySelectorAll("tbody tr")];
    const focused = rows.findIndex((row) => row === document.activeElement);
    label.textContent = model.get("caption");
    back.disabled = !model.get("before");
    on.disabled = !model.get("after");
    back.hidden = on.hidden = back.disabled && on.disabled;
    showHeader(head, model);
    showRows(body, model);
    bring();
    const fresh = [...table.querySelectorAll("tbody tr")];
    const kept = goTo === null && (focused < 0 || fresh.some((row) => row === document.activeElement));
    if (!fresh.length || kept) return;
    const wanted = goTo === "last" ? fresh.length - 1 : goTo === "first" ? 0 : focused;
    goTo = null;
    fresh[Math.min(wanted, fresh.length - 1)].focus();
  };

  /** @param {Event} event */
  const rowOf = ({ target }) =>
    /** @type {HTMLElement | null} */ (target instanceof Element ? target.closest("tbody tr") : null);
  /** @param {Element} row @param {Partial<MouseEvent>} event */
  const select = (row, { ctrlKey, metaKey, shiftKey } = {}) => model.send({
    event: "select", at: Number(row.dataset.at), more: Boolean(ctrlKey || metaKey),
    up_to: Boolean(shiftKey),
  });
  table.addEventListener("click", (event) => {
    const row = rowOf(event);
    if (!row) return;
    row.focus();
    select(row, event);
  });
  table.addEventListener("keydown", (event) => {
    const row = rowOf(event);
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: Infinity, PageUp: -Infinity }[event.key];
    if (!row || (!step && event.key !== "Enter" && event.key !== " ")) return;
    event.preventDefault();
    event.stopPropagation();
    if (!step) return select(row);
    const next = step === 1 ? row.nextElementSibling : step === -1 ? row.previousElementSibling : null;
    if (next) return next.focus();
    if (goTo === null && (step > 0 ? model.get("after") : model.get("before"))) {
      goTo = step > 0 ? "first" : "last";
      model.send({ event: "turn", by: Math.sign(step) });
    }
  });

  model.on("change:revision", draw);
  draw();
  return () => model.off("change:revision", draw);
}

export default { initialize, render };
