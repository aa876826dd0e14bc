// A text, and what each key does: over all of the dashboard.

/**
 * @typedef {{title: string, keys: [string, string][]}} Section keys and what each does
 */

/** @param {Widget} widget */
function render({ model, el }) {
  el.classList.add("crmasks-overlay");
  const close = () => model.send({ close: true });
  /** @type {HTMLElement | null} */
  let panel = null;
  const fill = () => {
    /** @type {string[]} */
    const words = model.get("texts");
    const texts = words.map((text) => element("p", { textContent: text }));
    /** @type {Section[]} */
    const sections = model.get("sections");
    const groups = sections.map(({ title, keys }) => {
      const rows = keys.map(([key, help]) =>
        element("tr", {}, element("th", { scope: "row" }, element("kbd", { textContent: key })),
          element("td", { textContent: help })));
      return element("table", {}, element("caption", { textContent: title }),
        element("tbody", {}, ...rows));
    });
    const button = element("button", {
      type: "button", className: "crmasks-icon crmasks-icon-cross", title: "Close (Esc)",
      ariaLabel: "Close",
    });
    button.addEventListener("click", close);
    const steps = element("button", { type: "button", className: "crmasks-word crmasks-first-steps", textContent: "Show the first steps" });
    steps.addEventListener("click", () => {
      // What the bubbles are about lies under the help.
      close();
      steps.dispatchEvent(new CustomEvent("crmasks-first-steps", { bubbles: true }));
    });
    const made = element("section", { className: "crmasks-help", role: "dialog", ariaLabel: "Help and keys" },
      button, ...texts, steps, element("div", { className: "keys" }, ...groups));
    el.replaceChildren(made);
    return made;
  };
  const show = () => {
    const shown = model.get("shown");
    el.classList.toggle("crmasks-unopened", !shown);
    if (!shown) return;
    panel ??= fill();
    panel.querySelector("button")?.focus({ preventScroll: true });
  };
  el.addEventListener("click", (event) => event.target === el && close());
  model.on("change:shown", show);
  show();
  return () => model.off("change:shown", show);
}

export default { initialize, render };
