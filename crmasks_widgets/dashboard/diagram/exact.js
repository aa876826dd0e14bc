// A small form over the diagram for the exact numbers of a fixed point.

/**
 * Opens it.
 * @param {Element} parent
 * @param {number} which of the points, the first being 1
 * @param {Point} point
 * @param {string} unit of both axes
 * @param {(content: {event: string, point?: number[]}) => void} say what is to be done
 * @param {() => void} leave all as it was
 * @returns {HTMLFormElement}
 */
function exactForm(parent, which, point, unit, say, leave) {
  /** @type {HTMLFormElement} */
  const form = make(parent, "form", { class: "crmasks-exact", novalidate: "" });
  const fields = [`x (${unit})`, `y (${unit})`, "weight"].map((name, i) => {
    make(form, "label").textContent = name;
    /** @type {HTMLInputElement} */
    const field = make(form, "input", { "aria-label": `${name} of point ${which}` });
    field.value = String(point[i]);
    return field;
  });
  const [remove] = [["remove", "button"], ["set", "submit"]].map(([words, type]) => {
    /** @type {HTMLButtonElement} */
    const button = make(form, "button", { type });
    button.textContent = words;
    return button;
  });
  for (const name of ["pointerdown", "pointerup", "dblclick", "click"]) {
    form.addEventListener(name, (event) => event.stopPropagation());
  }
  form.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Escape") leave();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const numbers = fields.map((field) => Number(field.value.replace("\u2212", "-")));
    const wrong = numbers.findIndex((value, i) => !fields[i].value.trim() || !isFinite(value));
    fields.forEach((field, i) => field.setCustomValidity(i === wrong ? "a number" : ""));
    if (wrong < 0) say({ event: "exact", point: numbers });
    else fields[wrong].reportValidity();
  });
  remove.addEventListener("click", () => say({ event: "remove" }));
  fields[1].focus();
  fields[1].select();
  return form;
}
