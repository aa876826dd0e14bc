// The bar at the top: what is looked at, the method, what was found, what is being done, and the
// way to everything that is not on screen.

/**
 * Let a button open a menu, made when it is first asked for, over everything else.
 * @param {HTMLButtonElement} button
 * @param {{text: string, help: string}[]} entries
 * @param {(number: number) => void} choose
 */
function menuButton(button, entries, choose) {
  const make = () => {
    const items = entries.map(({ text, help }, number) => {
      const item = element("button", { type: "button", textContent: text, title: help, autofocus: number === 0 });
      item.setAttribute("role", "menuitem");
      item.addEventListener("click", () => {
        menu.hidePopover();
        choose(number);
      });
      return item;
    });
    const menu = element("div", { className: "crmasks-menu", role: "menu", popover: "auto", ariaLabel: button.ariaLabel }, ...items);
    menu.addEventListener("beforetoggle", ({ newState }) => {
      const { bottom, right } = button.getBoundingClientRect();
      menu.style.top = `${bottom + 4}px`;
      menu.style.right = `${document.documentElement.clientWidth - right}px`;
      button.setAttribute("aria-expanded", String(newState === "open"));
    });
    menu.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const at = items.findIndex((item) => item === document.activeElement);
      items.at((at + step) % items.length)?.focus();
    });
    button.after(menu);
    return menu;
  };
  button.setAttribute("aria-haspopup", "menu");
  // The browser opens and closes it after the click was heard.
  button.addEventListener("click", () => { button.popoverTargetElement ??= make(); });
  return button;
}

/**
 * @typedef {Object} Entry of the legend
 * @property {number} code
 * @property {string} symbol
 * @property {string} colour
 * @property {string} name
 * @property {number} count pixels before dilation
 * @property {boolean} hidden
 */

/**
 * The dashboard that an element is in.
 * @param {Element} part
 */
function dashboardOf(part) {
  return /** @type {HTMLElement} */ (part.closest(".crmasks-dashboard"));
}

/**
 * @typedef {{value: string, label: string, help: string, more: boolean}} Method more: one to compare with
 * @typedef {{name: string, icon: string, help: string, menu: {text: string, help: string}[]}} Page
 */

/** @param {Widget} widget */
function render({ model, el }) {
  /** @param {string} name @param {string} title @param {unknown} message null for none */
  const icon = (name, title, message, label = title) => {
    const button = element("button", { type: "button", className: `crmasks-icon crmasks-icon-${name}`, title, ariaLabel: label });
    if (message) button.addEventListener("click", () => model.send(message));
    return button;
  };
  const title = element("strong", { className: "crmasks-subject" });
  const facts = element("span", { className: "crmasks-facts" });
  /** @type {string[]} */
  const names = model.get("detectors");
  const detectors = element("select", { className: "crmasks-detectors", title: "Detector", ariaLabel: "Detector" },
    ...names.map((name, number) => element("option", { value: number, textContent: name })));
  detectors.value = model.get("detector");
  detectors.addEventListener("change", () => {
    model.send({ detector: Number(detectors.value) });
    // Another detector has a bar of its own: this one stays what it is, and the list, which goes
    // with it, must not have the focus. Keys wait for the page that comes.
    detectors.value = model.get("detector");
    waitForNext(dashboardOf(detectors));
  });
  const methods = element("div", { className: "crmasks-segments crmasks-methods", role: "radiogroup", ariaLabel: "Method" });
  const otherMethods = element("select", { title: "Other methods, to compare with", ariaLabel: "Other methods" });
  otherMethods.addEventListener("change", () => model.send({ method: otherMethods.value }));
  const legend = element("div", { className: "crmasks-found" });
  const doing = element("span", { className: "crmasks-doing", role: "status" });
  const progress = element("progress", { max: 1, ariaLabel: "Progress" });
  const cancel = icon("cross", "Stop computing (Esc)", { do: "cancel" }, "Cancel");
  const undo = icon("undo", "Take back the last change (Ctrl+Z)", { do: "undo" }, "Undo");
  const redo = icon("redo", "Do again what was undone (Ctrl+Y)", { do: "redo" }, "Redo");
  const pages = new Map();
  const tools = element("div", { className: "crmasks-top-tools" }, cancel, undo, redo);
  const notebook = icon("more", "The notebook around the dashboard", { do: "" }, "Notebook");
  notebook.classList.add("crmasks-to-notebook");
  notebook.addEventListener("click", () => notebook.closest(".crmasks-alone")?.classList.toggle("crmasks-with-notebook"));

  // Where only one pane has room, which: the page knows, and nobody else needs to.
  const tabs = element("div", { className: "crmasks-segments crmasks-top-tabs", role: "tablist", ariaLabel: "View" });
  for (const view of ["Diagram", "Image", "Hits"]) {
    const tab = element("button", { type: "button", textContent: view, role: "tab" });
    tab.addEventListener("click", () => {
      dashboardOf(tab).dataset.see = view.toLowerCase();
      for (const each of tabs.children) {
        each.classList.toggle("mod-active", each === tab);
        each.setAttribute("aria-selected", String(each === tab));
      }
    });
    tabs.append(tab);
  }
  tabs.firstElementChild?.classList.add("mod-active");

  const showMethods = () => {
    /** @type {Method[]} */
    const known = model.get("methods");
    const buttons = known.filter(({ more }) => !more).map(({ value, label, help }) => {
      const button = element("button", { type: "button", textContent: label, title: help });
      button.setAttribute("role", "radio");
      button.dataset.value = value;
      button.addEventListener("click", () => model.send({ method: value }));
      return button;
    });
    otherMethods.replaceChildren(element("option", { value: "", textContent: "more", hidden: true }),
      ...known.filter(({ more }) => more).map(({ value, label, help }) =>
        element("option", { value, textContent: label, title: help })));
    methods.replaceChildren(...buttons, otherMethods);
    showMethod();
  };
  const showMethod = () => {
    const method = model.get("method");
    for (const button of methods.querySelectorAll("button")) {
      const down = button.dataset.value === method;
      button.classList.toggle("mod-active", down);
      button.setAttribute("aria-checked", String(down));
    }
    const other = [...otherMethods.options].some(({ value }) => value === method);
    otherMethods.value = other ? method : "";
    otherMethods.classList.toggle("mod-active", other);
  };
  const sum = element("span", { className: "crmasks-chip crmasks-total" });
  const entries = element("span", { className: "crmasks-entries" });
  legend.append(sum, entries);
  /** @param {Entry} entry */
  const makeEntry = ({ code }) => {
    const chip = element("button", { type: "button", className: "crmasks-chip" },
      element("b"), " ", element("span"), "0", element("small", { textContent: " px" }));
    chip.addEventListener("click", () => model.send({ legend: code }));
    return chip;
  };
  /** @param {HTMLElement} chip @param {Entry} entry */
  const showEntry = (chip, { symbol, colour, name, count, hidden }) => {
    const parts = /** @type {[HTMLElement, Text, HTMLElement, Text]} */ ([...chip.childNodes]);
    const [mark, , words, number] = parts;
    chip.title = `${count} pixels before dilation, ${name}: click to ${hidden ? "show" : "hide"} them`;
    chip.setAttribute("aria-pressed", String(!hidden));
    mark.textContent = symbol;
    mark.style.color = colour;
    words.textContent = `${name} `;
    number.data = String(count);
  };
  const showLegend = () => {
    const found = model.get("found");
    const [hits, ...more] = (found.total ?? "").split(" · ");
    const rest = more.map((/** @type {string} */ text) => element("span", { textContent: ` · ${text}` }));
    sum.replaceChildren(hits, ...rest);
    sum.title = found.help ?? "";
    sum.hidden = !found.total;
    /** @type {Entry[]} */
    const of = found.entries ?? [];
    keep(entries, of, ({ code }) => code, makeEntry, showEntry);
  };
  const showWork = () => {
    const busy = model.get("busy");
    doing.textContent = model.get("doing");
    progress.value = model.get("fraction");
    progress.style.visibility = busy ? "" : "hidden";
    cancel.style.visibility = busy ? "" : "hidden";
    bar.dataset.busy = String(busy);
    undo.disabled = !model.get("can_undo");
    redo.disabled = !model.get("can_redo");
  };
  const showPages = () => {
    for (const [name, button] of pages) {
      const open = model.get("page") === name;
      button.classList.toggle("mod-active", open);
      button.setAttribute("aria-expanded", String(open));
    }
  };
  const showSubject = () => {
    title.textContent = title.title = model.get("subject");
    facts.textContent = facts.title = model.get("facts");
  };
  /** @type {Page[]} */
  const described = model.get("pages");
  for (const { name, icon: drawn, help, menu } of described) {
    const button = menu.length
      ? menuButton(icon(drawn, help, null, name), menu, (chosen) => model.send({ menu: name, chosen }))
      : icon(drawn, help, { page: name }, name);
    pages.set(name, button);
    tools.append(button);
  }
  tools.append(notebook);
  const bar = element("div", { className: "crmasks-top" }, tabs, title, ...(detectors.length ? [detectors] : []), facts, methods, legend,
    element("span", { className: "crmasks-spring" }), element("span", { className: "crmasks-work" }, doing, progress), tools);
  el.append(bar);

  // The detector that was chosen cannot be shown.
  const stays = () => dashboardOf(el).dispatchEvent(new CustomEvent(STAYS));
  const listeners = {
    "change:methods": showMethods, "change:method": showMethod, "change:found": showLegend,
    "change:busy": showWork, "change:doing": showWork, "change:fraction": showWork,
    "change:can_undo": showWork, "change:can_redo": showWork, "change:page": showPages,
    "change:subject": showSubject, "change:facts": showSubject,
  };
  for (const [name, action] of Object.entries(listeners)) model.on(name, action);
  model.on("msg:custom", stays);
  for (const show of [showMethods, showLegend, showWork, showPages, showSubject]) show();
  return () => {
    model.off("msg:custom", stays);
    for (const [name, action] of Object.entries(listeners)) model.off(name, action);
  };
}

export default { initialize, render };
