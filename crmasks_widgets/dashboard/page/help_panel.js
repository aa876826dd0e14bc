// A text, and what each key does.

function render({ model, el }) {
  const panel = element("section", { className: "crmasks-help", ariaLabel: "Help and keys" });
  const fill = () => {
    const texts = model.get("texts").map((text) => element("p", { textContent: text }));
    const groups = model.get("sections").map(({ title, keys }) => {
      const rows = keys.map(([key, help]) =>
        element("tr", {}, element("th", { scope: "row" }, element("kbd", { textContent: key })),
          element("td", { textContent: help })));
      return element("table", {}, element("caption", { textContent: title }),
        element("tbody", {}, ...rows));
    });
    const steps = element("button", { type: "button", className: "crmasks-first-steps", textContent: "Show the first steps" });
    steps.addEventListener("click", () => {
      // What the bubbles are about lies under the help.
      steps.dispatchEvent(new KeyboardEvent("keydown", { key: "?", bubbles: true }));
      steps.dispatchEvent(new CustomEvent("crmasks-first-steps", { bubbles: true }));
    });
    panel.replaceChildren(...texts, steps, element("div", { className: "keys" }, ...groups));
  };
  model.on("change:texts", fill);
  model.on("change:sections", fill);
  fill();
  el.append(panel);
  return () => {
    model.off("change:texts", fill);
    model.off("change:sections", fill);
  };
}

export default { render };
