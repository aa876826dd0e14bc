// The head of the hits. What it shows comes from the kernel as one object; choices go back to it.

/**
 * Give a list of choices the options it should have, without touching it if it has them.
 * @param {HTMLSelectElement} select
 * @param {[string, string][]} options value and words of each
 * @param {string} value
 */
export function fill(select, options, value) {
  const key = JSON.stringify(options);
  if (select.dataset.options !== key) {
    select.dataset.options = key;
    select.replaceChildren(...options.map(([name, words]) =>
      element("option", { value: name, textContent: words })));
  }
  if (select.value !== value) select.value = value;
}

/**
 * @typedef {Object} Chip a choice of hits
 * @property {string} key
 * @property {string} label
 * @property {number} count hits
 * @property {number} beside hits that are listed beside these
 * @property {string} tone colour; empty for none
 */

/**
 * @typedef {Object} State what the kernel says
 * @property {Chip[]} chips
 * @property {string} chip key of the one that is chosen
 * @property {[string, string][]} views key and words of each
 * @property {string} view
 * @property {[string, string][]} orders
 * @property {string} order
 * @property {string} reviewed how many have a verdict, in words
 * @property {string} more what is chosen in the panel; empty for nothing
 * @property {string} unit of the least peak
 * @property {string[]} methods
 * @property {string} method
 * @property {[string, string][]} others methods to compare with
 * @property {string} other
 * @property {[string, string][]} comparisons
 * @property {string} compared
 * @property {string} comparison what came of it, in words
 * @property {number} n_others hits of the other method alone
 * @property {boolean} on_screen
 * @property {string} text
 * @property {number} peak
 */

/** @typedef {(name: string, value: unknown) => void} Choose */

/** @param {number} count */
const written = (count) => count.toLocaleString("en");

/** @param {Chip} chip @param {Choose} set */
function makeChip({ key }, set) {
  const made = element(
    "button", { type: "button", className: "crmasks-choice" },
    element("span", { className: "crmasks-dot" }), element("span"), " ", element("b"),
    element("span"),
  );
  made.dataset.chip = key;
  made.addEventListener("click", () => set("chip", key));
  return made;
}

/** @param {HTMLElement} made @param {Chip} chip @param {string} current key of the chosen one */
function showChip(made, { key, label, count, beside, tone }, current) {
  const number = written(count);
  const [dot, words, counted, more] = /** @type {Iterable<HTMLElement>} */ (made.children);
  const others = beside ? `, and ${written(beside)} that these parameters do not find, or that were erased` : "";
  made.title = `${number} hits${others}: ${label}`;
  made.setAttribute("aria-pressed", String(key === current));
  dot.hidden = !tone;
  dot.style.background = tone;
  words.textContent = label;
  counted.textContent = number;
  more.textContent = beside ? ` +${written(beside)}` : "";
}

/** The panel with the rarer choices. @param {Choose} set */
function panel(set) {
  /**
   * @param {string} name @param {string} label @param {string} title
   * @returns {[HTMLSelectElement, HTMLElement]}
   */
  const select = (name, label, title) => {
    const made = element("select", { title, aria: { label: title } });
    made.addEventListener("change", () => set(name, made.value));
    return [made, element("label", {}, element("span", { textContent: label }), made)];
  };
  const [method, methodRow] = select("method", "method", "Strongest evidence of the hit");
  const [other, otherRow] = select(
    "other", "compare with", "Method whose hits are computed and compared with these",
  );
  const [compared, comparedRow] = select("compared", "show", "Which of the hits that are compared");
  const said = element("span", { className: "crmasks-quiet", aria: { live: "polite" } });
  const text = element("input", { type: "search", title: "To be found in a row of the table" });
  text.setAttribute("aria-label", "Find in the rows of the table");
  text.addEventListener("input", () => set("text", text.value));
  const peak = element("input", { type: "number", min: "0", title: "Least excess" });
  peak.setAttribute("aria-label", "Least excess over the minimum in one exposure");
  const unit = element("span");
  peak.addEventListener("change", () => set("peak", Number(peak.value) || 0));
  const inside = element("input", { type: "checkbox" });
  inside.addEventListener("change", () => set("on_screen", inside.checked));
  const otherHits = element("button", { type: "button" });
  otherHits.addEventListener("click", () => set("next_other", true));
  const clear = element("button", { type: "button", textContent: "show all" });
  clear.addEventListener("click", () => set("clear", true));
  const box = element(
    "div", { className: "crmasks-hit-filters", popover: "auto" }, methodRow,
    element("label", {}, element("span", { textContent: "peak ≥" }), peak, unit),
    element("label", {}, element("span", { textContent: "find" }), text),
    element("label", { className: "crmasks-tick" }, inside, "only what diagram and image show"),
    otherRow, comparedRow, said, otherHits, clear,
  );
  /** @param {State} state */
  const show = (state) => {
    unit.textContent = state.unit;
    fill(method, state.methods.map((name) => [name, name]), state.method);
    fill(other, state.others, state.other);
    fill(compared, state.comparisons, state.compared);
    comparedRow.hidden = !state.other;
    said.textContent = state.comparison;
    otherHits.hidden = !state.n_others;
    otherHits.textContent = `go to the next of the ${state.n_others} others`;
    inside.checked = state.on_screen;
    if (document.activeElement !== text) text.value = state.text;
    if (document.activeElement !== peak) peak.value = String(state.peak || "");
  };
  return { box, show };
}

/** @param {Widget} widget */
function render({ model, el }) {
  el.classList.add("crmasks-head", "crmasks-hit-bar");
  /** @type {Choose} */
  const set = (name, value) => model.send({ event: "set", name, value });
  const title = element("span", { className: "crmasks-title", textContent: "Hits" });
  const views = element("div", { className: "crmasks-segments crmasks-hit-views", role: "group" });
  const chips = element("div", { className: "crmasks-choices", role: "group" });
  chips.setAttribute("aria-label", "Which hits are shown");
  const reviewed = element("span", { className: "crmasks-quiet crmasks-reviewed", title: "Hits that have a verdict" });
  const order = element("select", { title: "Order", aria: { label: "Order of the hits" } });
  order.addEventListener("change", () => set("order", order.value));
  const { box, show } = panel(set);
  const more = element("button", { type: "button", className: "crmasks-more-filters" });
  more.title = "More filters; compare with another method";
  more.setAttribute("aria-label", more.title);
  // In the top layer, which no pane cuts off; the browser closes it on Escape and on a click aside.
  more.popoverTargetElement = box;
  box.addEventListener("beforetoggle", () => {
    const place = more.getBoundingClientRect();
    box.style.right = `${Math.max(8, window.innerWidth - place.right)}px`;
    const below = window.innerHeight - place.bottom > 260;
    box.style.top = below ? `${place.bottom + 4}px` : "auto";
    box.style.bottom = below ? "auto" : `${window.innerHeight - place.top + 4}px`;
  });
  el.append(title, views, chips, reviewed, more, order, box);

  /** Say on which side there are chips out of sight. */
  const edges = () => {
    const { scrollLeft: from, clientWidth: width, scrollWidth: whole } = chips;
    const said = [from > 1 ? "before" : "", from + width < whole - 1 ? "after" : ""];
    chips.dataset.more = said.filter(Boolean).join(" ");
  };
  chips.addEventListener("scroll", edges, { passive: true });
  chips.addEventListener("wheel", (event) => {
    const before = chips.scrollLeft;
    chips.scrollLeft += event.deltaX || event.deltaY;
    if (chips.scrollLeft !== before) event.preventDefault();
  });
  const sized = new ResizeObserver(edges);
  sized.observe(chips);

  const draw = () => {
    /** @type {State} */
    const state = model.get("state");
    if (!state.chips) return;
    const within = chips.contains(document.activeElement) && document.activeElement?.dataset.chip;
    /** @param {[string, string]} view */
    const makeView = ([key, words]) => {
      const button = element("button", { type: "button", textContent: words });
      button.addEventListener("click", () => set("view", key));
      return button;
    };
    keep(views, state.views, ([key]) => key, makeView, (button, [key]) =>
      button.setAttribute("aria-pressed", String(key === state.view)));
    keep(chips, state.chips, ({ key }) => key, (one) => makeChip(one, set), (made, one) =>
      showChip(made, one, state.chip));
    if (within) [...chips.children].find((one) => one.dataset.chip === within)?.focus();
    edges();
    reviewed.replaceChildren(
      state.reviewed, element("span", { className: "crmasks-wide", textContent: " reviewed" }),
    );
    fill(order, state.orders, state.order);
    more.dataset.active = state.more || "";
    show(state);
  };
  model.on("change:state", draw);
  draw();
  return () => {
    sized.disconnect();
    model.off("change:state", draw);
  };
}

export default { initialize, render };
