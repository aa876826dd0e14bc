// A page of the table of hits. The kernel sorts, filters and cuts the page; here it is drawn.

function header(model) {
  const { column: sorted, descending } = model.get("order");
  const row = element("tr");
  for (const { name, label, help, numeric } of model.get("columns")) {
    const cell = element("th", { scope: "col", title: help, className: numeric ? "number" : "" });
    const mark = sorted === name ? (descending ? " ▼" : " ▲") : "";
    const button = element("button", { type: "button", textContent: label + mark });
    button.addEventListener("click", () => model.send({ event: "sort", column: name }));
    if (mark) cell.setAttribute("aria-sort", descending ? "descending" : "ascending");
    cell.append(button);
    row.append(cell);
  }
  return element("thead", {}, row);
}

function body(model) {
  const columns = model.get("columns");
  const rows = model.get("rows").map(({ number, at, cells, colour, brushed, verdict, chosen }, index) => {
    const row = element("tr", { tabIndex: -1 });
    row.dataset.number = number;
    row.dataset.at = at;
    if (brushed) row.classList.add("brushed");
    if (chosen) row.classList.add("chosen");
    if (verdict === "rejected" || verdict === "ignored") row.classList.add("out");
    cells.forEach((text, i) => {
      const cell = element("td", { className: columns[i]?.numeric ? "number" : "" });
      if (columns[i]?.name === "method") {
        const swatch = element("span", { className: "swatch" });
        swatch.style.background = colour;
        cell.append(swatch);
      }
      cell.append(text);
      if (columns[i]?.name === "reason") row.title = text; // often beyond the edge of the table
      row.append(cell);
    });
    if (number === model.get("selected")) row.setAttribute("aria-current", "true");
    if (number === model.get("selected") || index === 0) row.tabIndex = 0;
    return row;
  });
  return element("tbody", {}, ...rows);
}

function render({ model, el }) {
  const table = element("table");
  const caption = element("caption");
  const label = element("span");
  label.setAttribute("aria-live", "polite");
  const turn = (text, by) => {
    const button = element("button", { type: "button", textContent: text });
    button.addEventListener("click", () => model.send({ event: "turn", by }));
    return button;
  };
  const [back, on] = [turn("previous page", -1), turn("next page", 1)];
  caption.append(label, back, on);
  const scroller = element("div", { className: "crmasks-table" }, table);
  el.append(scroller);

  let brought = null; // the row that was brought on screen last
  const bring = () => {
    const row = table.querySelector("tr[aria-current]");
    if (!row || model.get("selected") === brought) return;
    brought = model.get("selected");
    const head = table.querySelector("thead").offsetHeight;
    const top = row.offsetTop - head;
    const lowest = row.offsetTop + row.offsetHeight - scroller.clientHeight;
    if (scroller.scrollTop > top) scroller.scrollTop = top;
    else if (scroller.scrollTop < lowest) scroller.scrollTop = lowest;
  };

  // Where the focus goes once a page that was asked for by a key is there.
  let goTo = null;
  const draw = () => {
    const rows = [...table.querySelectorAll("tbody tr")];
    const focused = rows.indexOf(document.activeElement);
    label.textContent = model.get("caption");
    back.disabled = !model.get("before");
    on.disabled = !model.get("after");
    back.hidden = on.hidden = back.disabled && on.disabled;
    table.replaceChildren(caption, header(model), body(model));
    bring();
    const fresh = [...table.querySelectorAll("tbody tr")];
    if (!fresh.length || (focused < 0 && goTo === null)) return;
    const wanted = goTo === "last" ? fresh.length - 1 : goTo === "first" ? 0 : focused;
    goTo = null;
    fresh[Math.min(wanted, fresh.length - 1)].focus();
  };

  const select = (row, { ctrlKey, metaKey, shiftKey } = {}) => model.send({
    event: "select", at: Number(row.dataset.at), more: Boolean(ctrlKey || metaKey),
    up_to: Boolean(shiftKey),
  });
  table.addEventListener("click", (event) => {
    const row = event.target.closest("tbody tr");
    if (!row) return;
    row.focus();
    select(row, event);
  });
  table.addEventListener("keydown", (event) => {
    const row = event.target.closest("tbody tr");
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
