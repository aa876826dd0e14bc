// A histogram with two handles: the limits between which values become colours.

const WIDTH = 256; // of the histogram, in its own units
const HEIGHT = 84;
/** @typedef {"low" | "high"} Side */
/** @typedef {[number, number]} Limits the lower and the upper one */
/**
 * @typedef {Object} State what the kernel says
 * @property {string} title
 * @property {string} unit
 * @property {Limits} range of the histogram
 * @property {Limits} limits
 * @property {number[]} counts
 * @property {number} answered of what was told, the last that it knows
 * @property {string} message
 * @property {string} kind of limits
 * @property {[string, string][]} kinds
 * @property {string} stretch
 * @property {string[]} stretches
 * @property {string} colours
 * @property {string[]} maps names of colours
 * @property {string[]} ramp the colours that are shown
 */

/** @type {Side[]} */
const SIDES = ["low", "high"];
/** @type {Record<Side, string>} */
const NAMES = { low: "Low limit", high: "High limit" };

/**
 * Where the hand or a key puts a limit: inside the range, and never past the other one.
 * @param {Limits} limits
 * @param {Limits} range
 * @param {Side} side
 * @param {number} value
 * @returns {Limits}
 */
export function placed(limits, range, side, value) {
  const least = (range[1] - range[0]) / 1000;
  const [low, high] = limits;
  if (side === "low") return [Math.min(Math.max(value, range[0]), high - least), high];
  return [low, Math.max(Math.min(value, range[1]), low + least)];
}

/**
 * How far a key moves a limit, in ADU; null for keys that do not.
 * @param {string} key
 * @param {boolean} shift
 * @param {Limits} range
 */
export function stepOf(key, shift, range) {
  const width = range[1] - range[0];
  /** @type {Record<string, number>} */
  const parts = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 };
  if (!(key in parts)) return null;
  return (parts[key] * (shift ? 10 : 1) * width) / 200;
}

/**
 * A number as a user would write it, exact to a thousandth of the range.
 * @param {number} value
 * @param {Limits} range
 */
export function written(value, range) {
  const digits = Math.max(0, Math.ceil(-Math.log10((range[1] - range[0]) / 1000)));
  return value.toFixed(Math.min(digits, 6));
}

/**
 * Numbers of an axis that a user would choose, and how many decimals they need.
 * @param {Limits} range
 * @param {number} most intervals
 */
export function ticksOf([low, high], most = 5) {
  const raw = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= raw) ?? 10 * power;
  const first = Math.ceil(low / step);
  const count = Math.floor(high / step) - first + 1;
  const values = Array.from({ length: Math.max(0, count) }, (_, i) => (first + i) * step);
  return { values, decimals: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
}

/**
 * Outline of the bars: counts on a logarithmic axis, so that few pixels are seen, too.
 * @param {number[]} counts
 */
export function outline(counts) {
  const most = Math.log1p(Math.max(1, ...counts));
  const step = WIDTH / counts.length;
  const tops = counts.map((count, i) => {
    const y = (HEIGHT * (1 - Math.log1p(count) / most)).toFixed(1);
    return `L${(i * step).toFixed(1)} ${y}L${((i + 1) * step).toFixed(1)} ${y}`;
  });
  return `M0 ${HEIGHT}${tops.join("")}L${WIDTH} ${HEIGHT}Z`;
}

/**
 * What belongs to each side.
 * @template T
 * @param {(side: Side) => T} make
 * @returns {Record<Side, T>}
 */
function bothSides(make) {
  return { low: make("low"), high: make("high") };
}

class LevelsView {
  /** @type {Model} */ model;
  /** @type {HTMLElement} */ el;
  /** @type {Side | null} */ side;
  /** @type {number} */ offset;
  /** @type {Limits | null} */ held;
  /** @type {Record<Side, HTMLInputElement>} */ fields;
  /** @type {Record<Side, HTMLElement>} */ handles;
  /** @type {HTMLElement} */ plot;
  /** @type {HTMLElement} */ ramp;
  /** @type {HTMLElement} the part of it between the limits */ between;
  /** @type {HTMLElement} */ axis;
  /** @type {HTMLElement} */ kinds;
  /** @type {HTMLElement} */ stretches;
  /** @type {HTMLElement} */ message;
  /** @type {HTMLElement} */ title;
  /** @type {HTMLElement} */ unit;
  /** @type {HTMLElement} */ close;
  /** @type {SVGElement} */ bars;
  /** @type {SVGElement} */ inside;
  /** @type {SVGElement} */ window;
  /** @type {HTMLSelectElement} */ colours;

  /** @param {Model} model @param {HTMLElement} el */
  constructor(model, el) {
    Object.assign(this, { model, el });
    this.held = null; // limits that the kernel does not show yet
    this.refused = null; // {side, why} of what was typed and cannot be
    this.count = 0; // of all that was told, on whichever page
    this.side = null;
    this.build();
    this.listen();
  }

  /** @returns {State} */
  get state() { return this.model.get("state"); }

  get limits() { return this.held ?? this.state.limits; }

  build() {
    const { el } = this;
    this.title = element("span");
    this.close = element("button", {
      type: "button", className: "crmasks-icon crmasks-icon-cross", title: "Close (Esc)",
      aria: { label: "Close" },
    });
    this.bars = shape("path", { class: "bars" });
    this.inside = shape("path", { class: "bars inside" });
    this.window = shape("rect", { y: 0, height: HEIGHT });
    const clip = shape("clipPath", { id: `crmasks-levels-${Math.random().toString(36).slice(2)}` },
      this.window);
    this.inside.setAttribute("clip-path", `url(#${clip.id})`);
    const picture = shape("svg", {
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true",
    }, clip, this.bars, this.inside);
    this.handles = bothSides((side) => element("div", {
      className: `crmasks-level crmasks-level-${side}`, role: "slider", tabIndex: 0,
      title: `${NAMES[side]}: drag it, or use the arrow keys`, aria: { label: NAMES[side] },
    }));
    this.plot = element("div", { className: "crmasks-levels-plot" }, picture,
      ...Object.values(this.handles));
    this.between = element("div");
    this.ramp = element("div", { className: "crmasks-levels-ramp" }, this.between);
    this.axis = element("div", { className: "crmasks-levels-axis", ariaHidden: "true" });
    this.fields = bothSides(() => element("input", { type: "text", inputMode: "decimal" }));
    this.unit = element("span");
    this.message = element("div", { className: "crmasks-error", aria: { live: "polite" } });
    this.kinds = element("div", {
      className: "crmasks-segments crmasks-levels-row", role: "group", aria: { label: "Limits" },
    });
    this.stretches = element("div", {
      className: "crmasks-segments crmasks-levels-row", role: "group", aria: { label: "Stretch" },
    });
    this.colours = element("select", { title: "Colours", aria: { label: "Colours" } });
    el.append(
      element("div", { className: "crmasks-levels-head" }, this.title, this.close), this.plot,
      this.ramp, this.axis,
      element("div", { className: "crmasks-levels-fields" }, this.fields.low,
        element("span", { textContent: "to" }), this.fields.high,
        this.unit),
      this.message, this.kinds, this.stretches, this.colours,
    );
    el.setAttribute("role", "group");
    el.setAttribute("aria-label", "Limits and stretch");
  }

  listen() {
    const { model, plot } = this;
    plot.addEventListener("pointerdown", (event) => this.press(event));
    plot.addEventListener("pointermove", (event) => {
      if (this.side && event.buttons & 1) this.move(this.side, this.at(event) + this.offset);
    });
    for (const name of ["pointerup", "pointercancel"]) {
      plot.addEventListener(name, () => this.drop());
    }
    for (const side of SIDES) {
      this.handles[side].addEventListener("keydown", (event) => this.key(event, side));
      for (const name of ["keyup", "blur"]) {
        this.handles[side].addEventListener(name, () => { if (this.keyed) this.drop(); });
      }
      this.fields[side].addEventListener("change", () => this.type(side));
    }
    this.colours.addEventListener("change", () => this.set({ colours: this.colours.value }));
    this.close.addEventListener("click", () => model.send({ close: true }));
    this.el.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      model.send({ close: true });
    });
    model.on("change:state", () => this.draw());
    this.draw();
  }

  /** @param {Record<string, string>} what */
  set(what) {
    this.held = this.refused = null;
    this.count += 1;
    this.model.send({ set: what, count: this.count });
  }

  /** Value at the pointer. @param {PointerEvent} event */
  at(event) {
    const { left, width } = this.plot.getBoundingClientRect();
    const [low, high] = this.state.range;
    return low + ((event.clientX - left) / width) * (high - low);
  }

  /**
   * The nearer handle is taken: between them a press brings it, on a handle it holds it.
   * @param {PointerEvent} event
   */
  press(event) {
    if (event.button !== 0) return;
    const value = this.at(event);
    const [low, high] = this.limits;
    const touched = SIDES.find((side) => event.target === this.handles[side]);
    this.side = touched ?? (Math.abs(value - low) < Math.abs(value - high) ? "low" : "high");
    this.offset = touched ? this.limits[SIDES.indexOf(touched)] - value : 0;
    this.plot.setPointerCapture(event.pointerId);
    this.handles[this.side].focus({ preventScroll: true });
    event.preventDefault();
    if (!touched) this.move(this.side, value);
  }

  /** @param {KeyboardEvent} event @param {Side} side */
  key(event, side) {
    const { range } = this.state;
    /** @type {Record<string, number>} */
    const ends = { Home: range[0], End: range[1] };
    const by = stepOf(event.key, event.shiftKey, range);
    if (by === null && !(event.key in ends)) return;
    event.preventDefault();
    event.stopPropagation();
    this.keyed = true;
    this.move(side, ends[event.key] ?? this.limits[side === "low" ? 0 : 1] + (by ?? 0));
  }

  /** @param {Side} side @param {number} value */
  move(side, value) {
    this.hold(placed(this.limits, this.state.range, side, value));
    this.model.set("moved", this.told());
    this.model.save_changes();
  }

  /** @param {Side} side */
  type(side) {
    const text = this.fields[side].value.trim();
    const value = Number(text);
    const [low, high] = this.limits;
    /** @type {Limits} */
    const wanted = side === "low" ? [value, high] : [low, value];
    let expected = "";
    if (text === "" || !Number.isFinite(value)) expected = "a number";
    else if (wanted[0] >= wanted[1]) {
      expected = side === "low" ? `less than ${written(high, this.state.range)}`
        : `more than ${written(low, this.state.range)}`;
    }
    if (expected) {
      const why = `${NAMES[side]}: found ${text || "nothing"}, expected ${expected}`;
      this.refused = { side, why };
      this.draw();
    } else {
      this.hold(wanted);
      this.drop();
    }
  }

  /** @param {Limits} limits */
  hold(limits) {
    this.count += 1;
    this.held = limits;
    this.refused = null;
    this.draw();
  }

  told() {
    const [low, high] = this.limits;
    return { low, high, count: this.count };
  }

  // A message, which nothing overtakes that comes later; a trait waits for the kernel.
  drop() {
    this.side = null;
    this.keyed = false;
    if (this.held) this.model.send({ drop: this.told() });
    this.draw();
  }

  draw() {
    const { state } = this;
    if (!state.range) return;
    if (!this.side && state.answered >= this.count) this.held = null;
    this.count = Math.max(this.count, state.answered);
    const { range, limits: _, counts } = state;
    /** @type {(value: number) => number} */
    const share = (value) => Math.min(Math.max((value - range[0]) / (range[1] - range[0]), 0), 1);
    this.title.textContent = state.title;
    this.unit.textContent = state.unit;
    for (const side of SIDES) {
      this.fields[side].title = this.fields[side].ariaLabel = `${NAMES[side]}, ${state.unit}`;
    }
    const path = outline(counts);
    this.bars.setAttribute("d", path);
    this.inside.setAttribute("d", path);
    const [low, high] = this.limits.map(share);
    this.window.setAttribute("x", low * WIDTH);
    this.window.setAttribute("width", (high - low) * WIDTH);
    const colours = state.ramp.join(",");
    Object.assign(this.between.style, {
      left: `${100 * low}%`, width: `${100 * (high - low)}%`,
      background: `linear-gradient(to right,${colours})`,
    });
    this.ramp.style.background =
      `linear-gradient(to right,${state.ramp[0]} ${100 * low}%,${state.ramp.at(-1)} 0)`;
    SIDES.forEach((side, i) => this.drawHandle(side, this.limits[i], share, range));
    this.message.textContent = this.refused?.why ?? state.message;
    const { values, decimals } = ticksOf(range);
    this.axis.replaceChildren(...values.map((value) => {
      const tick = element("span", { textContent: value.toFixed(decimals).replace("-", "\u2212") });
      tick.style.left = `${100 * share(value)}%`;
      return tick;
    }));
    const kind = this.held ? "manual" : state.kind;
    this.choices(this.kinds, state.kinds, kind, "limits");
    this.choices(this.stretches, state.stretches.map((name) => [name, name]), state.stretch, "stretch");
    if (this.colours.options.length !== state.maps.length) {
      this.colours.replaceChildren(...state.maps.map((name) =>
        element("option", { value: name, textContent: name })));
    }
    this.colours.value = state.colours;
  }

  /**
   * @param {Side} side
   * @param {number} value
   * @param {(value: number) => number} share
   * @param {Limits} range
   */
  drawHandle(side, value, share, range) {
    const handle = this.handles[side];
    const text = written(value, range);
    handle.style.left = `${100 * share(value)}%`;
    const aria = { valuemin: range[0], valuemax: range[1], valuenow: value, valuetext: `${text} ${this.unit.textContent}` };
    for (const [name, is] of Object.entries(aria)) handle.setAttribute(`aria-${name}`, is);
    const field = this.fields[side];
    const refused = this.refused?.side === side;
    field.setAttribute("aria-invalid", String(refused));
    if (!refused) field.value = text;
  }

  /**
   * @param {HTMLElement} row
   * @param {[string, string][]} options value and words of each
   * @param {string} value
   * @param {string} name of what is chosen
   */
  choices(row, options, value, name) {
    if (row.childElementCount !== options.length) {
      row.replaceChildren(...options.map(([key, words]) => {
        const made = element("button", { type: "button", textContent: words });
        made.addEventListener("click", () => this.set({ [name]: key }));
        made.dataset.value = key;
        return made;
      }));
    }
    for (const button of row.children) {
      button.setAttribute("aria-pressed", String(button.dataset.value === value));
    }
  }
}

/** @param {Widget} widget */
function render({ model, el }) {
  el.crmasksLevels = new LevelsView(model, el);
}

export default { initialize, render };
