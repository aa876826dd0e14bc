// A button that opens and closes a panel with what is on screen and what each key does.

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

let panels = 0;

function render({ model, el }) {
  const id = `crmasks-help-${panels++}`;
  const button = element("button", { type: "button", textContent: "Help and keys (?)" });
  button.setAttribute("aria-controls", id);
  const panel = element("section", { id });
  panel.setAttribute("aria-label", "Help and keys");

  const fill = () => {
    const texts = model.get("texts").map((text) => element("p", { textContent: text }));
    const groups = model.get("sections").map(({ title, keys }) => {
      const rows = keys.map(([key, help]) =>
        element("tr", {}, element("th", { scope: "row" }, element("kbd", { textContent: key })),
          element("td", { textContent: help })));
      return element("table", {}, element("caption", { textContent: title }),
        element("tbody", {}, ...rows));
    });
    panel.replaceChildren(...texts, element("div", { className: "keys" }, ...groups));
  };
  const show = () => {
    panel.hidden = !model.get("opened");
    button.setAttribute("aria-expanded", String(!panel.hidden));
  };
  const set = (opened) => {
    model.set("opened", opened);
    model.save_changes();
  };
  button.addEventListener("click", () => set(!model.get("opened")));
  el.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || panel.hidden) return;
    event.stopPropagation();
    set(false);
    button.focus();
  });
  model.on("change:texts", fill);
  model.on("change:sections", fill);
  model.on("change:opened", show);
  fill();
  show();
  el.append(element("div", { className: "crmasks-help" }, button, panel));
  return () => {
    model.off("change:texts", fill);
    model.off("change:sections", fill);
    model.off("change:opened", show);
  };
}

export default { render };
