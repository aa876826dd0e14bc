// A form of parameters: fields that the kernel describes, values that it holds.
//
// A slider in motion goes through the trait "moving", of which only the newest is sent, so that a
// slow kernel is never flooded. Jupyter holds a trait back until the kernel has answered, but no
// message: that a slider was taken and where it was let go are messages, as is what is typed or
// chosen, so that nothing that comes later overtakes them. While a hand holds a slider, what the
// kernel says of that parameter waits: the hand is right.

/**
 * @typedef {{name: string, words: string, short: string, unit: string, help: string, group: string,
 *   kind: string, choices: string[], low: number, high: number, step: number, log: boolean,
 *   initial: string, fixed: string, nothing: string}} Field
 */

const LEAST = 154; // CSS pixels of a field of a compact form, as in form.css
const STEPS = 1000; // of a slider from end to end, where its scale is logarithmic
const KEYS = /^(Arrow|Page|Home$|End$)/; // that move a slider

/** Place of a value on a slider, 0 to STEPS. @param {Field} field @param {number} value */
export function placeOf(field, value) {
  const inside = Math.min(field.high, Math.max(field.low, value));
  if (field.log) {
    return STEPS * Math.log(inside / field.low) / Math.log(field.high / field.low);
  }
  return inside;
}

/** Value at a place of a slider, on a round number. @param {Field} field @param {number} place */
export function valueAt(field, place) {
  if (!field.log) {
    const decimals = Math.max(0, -Math.floor(Math.log10(field.step)));
    return Number(place.toFixed(Math.min(decimals, 12)));
  }
  const value = field.low * (field.high / field.low) ** (place / STEPS);
  return field.kind === "integer" ? Math.round(value) : Number(value.toPrecision(2));
}

/**
 * Columns that leave no field alone in a row where they need not be: 3 + 3, not 5 + 1.
 * @param {number} count of fields @param {number} width CSS pixels, 0 where it is not known
 * @returns {number | ""} nothing where nothing is known
 */
export function evenColumns(count, width) {
  const most = Math.floor(width / LEAST);
  return count && most ? Math.ceil(count / Math.ceil(count / most)) : "";
}

/**
 * @typedef {{text: string, number: number | null}} Shown a value as it is written, and its number
 * @typedef {{name: string, value: number, gesture: string}} Moving where a slider is
 */

let forms = 0;

class Row {
  /** @type {Form} */ form;
  /** @type {Field} */ field;
  /** @type {HTMLInputElement | HTMLSelectElement} a checkbox, a list or a line of text */ input;
  /** @type {HTMLInputElement} of numbers with two ends */ slider;
  /** @type {string} what the kernel has, as it is written */ known;
  /** @type {Shown | undefined} what was shown last */ last;
  /** @type {string} what was sent last, or is known */ sent;
  /** @type {string} the gesture of a hand or key that has the slider; empty for none */ held;

  /** @param {Form} form @param {Field} field @param {boolean} compact */
  constructor(form, field, compact) {
    Object.assign(this, { form, field, held: "" });
    const id = `crmasks-form-${form.id}-${field.name}`;
    this.error = element("div", { className: "crmasks-field-error", role: "alert" });
    this.reset = element("button", {
      type: "button", className: "crmasks-icon crmasks-icon-reset",
      title: `Back to ${field.initial}`, ariaLabel: `Reset ${field.name}`,
    });
    this.reset.addEventListener("click", () => form.tell({ reset: field.name }));
    const label = element("label", { htmlFor: id, title: field.help, textContent: compact ? field.short : field.words });
    const unit = element("span", { className: "crmasks-unit", textContent: field.unit, title: field.unit });
    const under = compact ? unit : element("code", { textContent: field.name });
    this.element = element("div", { className: `crmasks-field crmasks-field-${field.kind}` },
      element("div", { className: "crmasks-field-name" }, label, " ", under),
      ...this.controls(id), ...(compact ? [] : [unit]), this.reset);
    // A small field has no room for it.
    (compact && !field.fixed ? form.errors : this.element).append(this.error);
    if (field.fixed) {
      this.error.textContent = field.fixed;
      this.error.className = "crmasks-field-note";
      for (const each of this.element.querySelectorAll("input")) each.disabled = true;
      for (const each of this.element.querySelectorAll("select")) each.disabled = true;
    }
  }

  /** @param {string} id of what the label is for @returns {HTMLElement[]} */
  controls(id) {
    const { field, form } = this;
    const shared = { id, title: field.help };
    if (field.kind === "switch") {
      const box = this.input = element("input", { ...shared, type: "checkbox" });
      box.addEventListener("change", () => form.tell({ set: field.name, value: box.checked }));
      return [box];
    }
    if (field.kind === "choice") {
      const options = field.choices.map((value) => element("option", { value, textContent: value }));
      this.input = element("select", shared, ...options);
      this.input.addEventListener("change", () => form.tell({ set: field.name, value: this.input.value }));
      return [this.input];
    }
    const line = this.input = element("input", { ...shared, type: "text", spellcheck: false, autocomplete: "off", placeholder: field.nothing });
    // A notebook keeps Enter from its default, which would be a change of the field.
    const commit = (again = false) => {
      if (this.input.value === this.sent && !again) return;
      this.sent = this.input.value;
      form.tell({ set: field.name, text: this.sent.trim() || "null" });
    };
    line.addEventListener("change", () => commit());
    line.addEventListener("keydown", (event) => {
      if (event.key === "Enter") commit();
      if (event.key === "Escape" && this.refused) {
        event.preventDefault();
        this.input.value = this.known;
        this.refused = false; // the next one closes the drawer
        commit(true); // and with it goes what was said of the value that was refused
        return;
      }
      if (event.key !== "Escape" || this.input.value === this.sent) return;
      event.preventDefault(); // what was typed is taken back; the next one closes the drawer
      this.input.value = this.sent = this.known;
    });
    if (field.high === null) return [this.input];
    const range = field.log ? { min: 0, max: STEPS, step: 1 } : { min: field.low, max: field.high, step: field.step };
    this.slider = element("input", { type: "range", title: field.help, ariaLabel: field.words, ...range });
    this.listen(this.slider);
    return [this.slider, this.input];
  }

  /**
   * Tell of a slider: when a hand or a key takes it, where it is, and where it is let go.
   * @param {HTMLInputElement} slider
   */
  listen(slider) {
    const { field, form } = this;
    const value = () => valueAt(field, Number(slider.value));
    let byKey = false;
    /** @param {boolean} key whether it is a key that takes it */
    const take = (key) => {
      if (this.held) return;
      byKey = key;
      this.held = freshId("gesture");
      form.tell({ hold: field.name, gesture: this.held, by_key: byKey });
    };
    const release = () => {
      if (!this.held) return;
      form.tell({ drop: field.name, value: value(), gesture: this.held });
      this.held = "";
    };
    slider.addEventListener("pointerdown", () => take(false));
    slider.addEventListener("keydown", ({ key }) => { if (KEYS.test(key)) take(true); });
    slider.addEventListener("input", () => {
      this.input.value = String(value());
      if (this.held) form.move({ name: field.name, value: value(), gesture: this.held });
      else form.tell({ set: field.name, value: value() });
    });
    for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) {
      slider.addEventListener(name, release);
    }
    for (const name of ["keyup", "blur"]) {
      slider.addEventListener(name, () => { if (byKey) release(); });
    }
  }

  /** @param {Shown} shown */
  show({ text, number }) {
    const { field } = this;
    this.last = { text, number };
    if (!this.held) this.known = text === "null" ? "" : text;
    this.element.classList.toggle("crmasks-changed", text !== field.initial);
    this.reset.style.visibility = text === field.initial || field.fixed ? "hidden" : "";
    if ("checked" in this.input && field.kind === "switch") this.input.checked = text === "true";
    else if (field.kind === "choice") this.input.value = text;
    else if (!this.held) {
      // What is being typed stays, and is still to be sent; what was sent and taken is shown as the
      // kernel writes it.
      if (this.input !== document.activeElement || this.input.value === this.sent) {
        this.input.value = this.sent = this.known;
      }
    }
    if (!this.slider || this.held) return;
    // Without a value the slider is at rest at its beginning, and its field says what that means.
    this.element.classList.toggle("crmasks-field-off", number === null);
    this.slider.setAttribute("aria-valuetext", number === null ? field.nothing : text);
    this.slider.value = String(placeOf(field, number ?? field.low));
  }

  /** @param {string} text why its value was not taken; empty where it was */
  refuse(text) {
    const holds = this.known || this.field.nothing || "no value";
    if (!this.field.fixed) this.error.textContent = text && `Not taken, ${holds} stays: ${text}`;
    this.refused = Boolean(text);
    this.element.classList.toggle("crmasks-refused", this.refused);
    // What is typed stays to be corrected; all else goes back to what holds.
    const typed = this.input?.type === "text" && this.input === document.activeElement;
    if (text && this.last && !typed && !this.held) this.show(this.last);
    if (text && this.input) this.input.setAttribute("aria-invalid", "true");
    else this.input?.removeAttribute("aria-invalid");
  }

  /** @param {string[]} words in small letters @param {boolean} changedOnly */
  matches(words, changedOnly) {
    const { name, words: title, help } = this.field;
    const text = `${name} ${title} ${help}`.toLowerCase();
    const wanted = !changedOnly || this.element.classList.contains("crmasks-changed");
    return wanted && words.every((word) => text.includes(word));
  }
}

class Form {
  /** @type {Model} */ model;
  /** @type {number} */ id;
  /** @type {Map<string, Row>} */ rows;
  /** @type {boolean} */ compact;
  /** @type {HTMLElement[]} */ sections;
  /** @type {HTMLInputElement} */ words;
  /** @type {HTMLInputElement} */ changed;

  /** @param {Model} model */
  constructor(model) {
    Object.assign(this, { model, id: forms++, rows: new Map() });
    this.compact = model.get("compact");
    this.body = element("div", { className: "crmasks-form-body" });
    this.root = element("div", { className: `crmasks-form${this.compact ? " crmasks-compact" : ""}` });
    this.errors = element("div", { className: "crmasks-form-errors" });
    this.root.append(...(this.compact ? [this.errors] : [this.tools()]), this.body);
  }

  tools() {
    this.words = element("input", { type: "search", placeholder: "Search parameters", ariaLabel: "Search parameters" });
    this.changed = element("input", { type: "checkbox" });
    this.words.addEventListener("input", () => this.filter());
    this.changed.addEventListener("change", () => this.filter());
    return element("div", { className: "crmasks-form-tools" }, this.words,
      element("label", {}, this.changed, " changed only"));
  }

  /** @param {Record<string, unknown>} message */
  tell(message) {
    this.model.send(message);
  }

  /** @param {Moving} where */
  move(where) {
    this.model.set("moving", where);
    this.model.save_changes();
  }

  build() {
    this.rows.clear();
    this.errors.replaceChildren();
    const sections = new Map();
    for (const field of this.model.get("fields")) {
      const row = new Row(this, { ...field }, this.compact);
      this.rows.set(field.name, row);
      const group = this.compact ? "" : field.group;
      if (!sections.has(group)) {
        const heading = group ? [element("h3", { textContent: group })] : [];
        sections.set(group, element("section", {}, ...heading));
        sections.get(group).dataset.group = group;
      }
      sections.get(group).append(row.element);
    }
    this.sections = [...sections.values()];
    this.open();
    if (this.compact) this.arrange();
    this.show();
    this.refuse();
  }

  /** Give all rows of a compact form about as many fields. */
  arrange() {
    for (const section of this.sections) {
      const columns = evenColumns(section.childElementCount, section.clientWidth);
      section.style.setProperty("--crmasks-columns", String(columns));
    }
  }

  /** Put the sections of the method first; not while somebody works in the form. */
  open() {
    const first = this.model.get("sections");
    /** @param {HTMLElement} section */
    const place = ({ dataset: { group } }) => (first.includes(group) ? first.indexOf(group) : first.length);
    this.body.replaceChildren(...[...this.sections].sort((a, b) => place(a) - place(b)));
  }

  show() {
    const values = this.model.get("values");
    for (const [name, row] of this.rows) if (values[name]) row.show(values[name]);
    this.filter();
  }

  refuse() {
    const errors = this.model.get("errors");
    for (const [name, row] of this.rows) row.refuse(errors[name] ?? "");
  }

  filter() {
    if (this.compact) return;
    const words = this.words.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const section of this.sections) {
      let some = false;
      for (const row of this.rows.values()) {
        if (row.element.parentElement !== section) continue;
        const seen = row.matches(words, this.changed.checked);
        row.element.hidden = !seen;
        some ||= seen;
      }
      section.hidden = !some;
    }
  }
}

/** @param {Widget} widget */
function render({ model, el }) {
  const form = new Form(model);
  // Where it comes to light, it begins with what the method is about.
  let tall = 0;
  const sized = new ResizeObserver(([{ contentRect }]) => {
    if (model.get("compact")) form.arrange();
    else if (!tall && contentRect.height) form.open();
    tall = contentRect.height;
  });
  sized.observe(el);
  const listeners = {
    "change:fields": () => form.build(),
    "change:values": () => form.show(),
    "change:errors": () => form.refuse(),
  };
  for (const [name, action] of Object.entries(listeners)) model.on(name, action);
  form.build();
  el.append(form.root);
  return () => {
    sized.disconnect();
    for (const [name, action] of Object.entries(listeners)) model.off(name, action);
  };
}

export default { initialize, render };
