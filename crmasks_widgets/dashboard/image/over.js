// What lies over the image: rectangles of regions, which can be drawn and changed while their tool
// is chosen, and a ring around each hit. All of it follows the image as bqplot moves it.

const PARTS = ["w", "e", "s", "n", "sw", "se", "nw", "ne"];
/** @type {Record<string, Pair>} */
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] };
const LEAST_RING = 9; // screen pixels
const RING_WIDTHS = [4, 1.6]; // of what lies under a ring, and of the ring
const MOST_RINGS = 400; // on screen; more would hide what they show
const DRAWN = 3; // pixels of the screen that a drag has to go to draw something
const HINT = "Drag to draw · drag a region or its handles · Delete removes";

/** @param {{kind: string, index: number}} region */
const nameOf = ({ kind, index }) => `${kind} ${index}`;

/**
 * @typedef {{kind: string, index: number, label?: string}} Named a region, known by these two
 * @typedef {Object} Drag
 * @property {string} part "new", "move", or edges as `resizedBox` takes them
 * @property {Pair} from where it began, FITS pixels
 * @property {Pair} at where it began, pixels of the page
 * @property {Box | null} box before it; null for a new one
 * @property {Box | null} made what the hand has made of it
 */
/** @typedef {Named & {made: Box, removed?: undefined} | Named & {removed: true}} LetGo */

class OverView {
  /** @type {Model} */ model;
  /** @type {HTMLElement} */ el;
  /** @type {{x: Model, y: Model}} */ scales;
  /** @type {Named & Drag | null} */ drag;
  /** @type {Map<string, LetGo>} by name, until the kernel has answered */ waiting;
  /** @type {number} what was told to the kernel so far */ count;
  /** @type {string} name of the region that has handles */ chosen;
  /** @type {HTMLElement | undefined} */ kinds;
  /** @type {number} */ left;
  /** @type {number} */ high;
  /** @type {number} */ width;
  /** @type {number} */ height;
  /** @type {number} */ across;
  /** @type {number} */ down;

  /** @param {Model} model @param {HTMLElement} el @param {{x: Model, y: Model}} scales */
  constructor(model, el, scales) {
    Object.assign(this, { model, el, scales });
    this.drag = null;
    this.waiting = new Map();
    this.count = model.get("answered");
    this.chosen = "";
    /** @type {string} */
    this.kind = model.get("kinds")[0][0];
    el.classList.add("crmasks-over");
    this.canvas = element("canvas");
    this.svg = shape("svg", { role: "group", "aria-label": "Regions" });
    el.append(this.canvas, this.svg);
  }

  /** @param {AbortSignal} signal */
  connect(signal) {
    const { model, el } = this;
    const draw = () => this.draw();
    /** @param {Model} source @param {string} names @param {() => void} action */
    const watch = (source, names, action) => {
      source.on(names, action);
      signal.addEventListener("abort", () => source.off(names, action));
    };
    for (const name of ["regions", "hits", "active", "answered"]) {
      watch(model, `change:${name}`, draw);
    }
    for (const scale of Object.values(this.scales)) {
      for (const end of ["min", "max"]) watch(scale, `change:${end}`, draw);
    }
    el.addEventListener("pointerdown", (event) => this.press(event), { signal });
    el.addEventListener("pointermove", (event) => this.follow(event), { signal });
    el.addEventListener("pointerup", () => this.drop(), { signal });
    el.addEventListener("pointercancel", () => this.cancel(), { signal });
    el.addEventListener("keydown", (event) => this.key(event), { signal });
    const resized = new ResizeObserver(draw);
    resized.observe(el);
    signal.addEventListener("abort", () => resized.disconnect());
    this.draw();
  }

  // Places --------------------------------------------------------------------------------------

  measure() {
    /** @param {"x" | "y"} axis @returns {number[]} */
    const ends = (axis) => ["min", "max"].map((end) => this.scales[axis].get(end));
    const { clientWidth: width, clientHeight: height } = this.el;
    const [[left, right], [low, high]] = [ends("x"), ends("y")];
    Object.assign(this, { left, high, width, height });
    this.across = width / (right - left); // screen pixels to a pixel
    this.down = height / (high - low);
    return [left, right, low, high].every(Number.isFinite) && width > 0 && height > 0;
  }

  // Of a place in FITS pixels on the screen, and back.
  /** @param {number} place */
  x(place) { return (place - this.left) * this.across; }

  /** @param {number} place */
  y(place) { return (this.high - place) * this.down; }

  /** @param {PointerEvent} event @returns {Pair} */
  place(event) {
    const { left, top } = this.el.getBoundingClientRect();
    return [
      this.left + (event.clientX - left) / this.across, this.high - (event.clientY - top) / this.down,
    ];
  }

  // The hand ------------------------------------------------------------------------------------

  /** @returns {Region[]} those of the kernel, as the hand has them */
  get regions() {
    /** @type {Region[]} */
    const known = this.model.get("regions");
    const all = known.map((region) => ({ ...region }));
    const { drag } = this;
    const held = [...this.waiting.values()];
    if (drag?.made) held.push({ kind: drag.kind, index: drag.index, made: drag.made });
    for (const one of held) {
      const same = all.find((region) => nameOf(region) === nameOf(one));
      if (same && one.removed) all.splice(all.indexOf(same), 1);
      else if (same && !one.removed) same.box = one.made;
      else if (!one.removed) all.push({ kind: one.kind, index: one.index, box: one.made, label: "new" });
    }
    return all;
  }

  /** @param {PointerEvent} event */
  press(event) {
    if (event.button !== 0 || !this.model.get("active")) return;
    if (event.target.closest(".crmasks-region-kinds")) return;
    event.preventDefault();
    const name = event.target.closest("[data-region]")?.dataset.region;
    const from = this.place(event);
    /** @type {Pair} */
    const at = [event.clientX, event.clientY];
    this.el.setPointerCapture(event.pointerId);
    const region = this.regions.find((one) => nameOf(one) === name);
    if (!region) {
      /** @type {Region[]} */
      const regions = this.model.get("regions");
      // There is one region for the cross-correlation: a new one takes its place.
      const known = regions.filter(({ kind }) => kind === this.kind);
      const index = this.kind === "mm_crosscorr_region" ? 0 : known.length;
      this.choose("");
      this.drag = { kind: this.kind, index, part: "new", from, at, box: null, made: null };
      return;
    }
    this.choose(nameOf(region));
    const part = event.target.dataset.part ?? "move";
    this.drag = { ...region, part, from, at, made: null };
  }

  /** @param {PointerEvent} event */
  follow(event) {
    const { drag } = this;
    if (!drag) return;
    const size = this.model.get("shape");
    /** @type {Pair} */
    const to = this.place(event);
    const far = Math.hypot(event.clientX - drag.at[0], event.clientY - drag.at[1]);
    if (!drag.made && far < DRAWN) return;
    /** @type {Pair} */
    const by = [to[0] - drag.from[0], to[1] - drag.from[1]];
    drag.made = drag.box ? draggedBox(drag.box, drag.part, by, size)
      : boxBetween(drag.from, to, size);
    this.draw();
  }

  drop() {
    const { drag } = this;
    this.drag = null;
    if (drag?.made) {
      this.choose(nameOf(drag));
      this.put(drag, drag.box, drag.made);
    }
    this.draw();
  }

  cancel() {
    this.drag = null;
    this.draw();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (!this.model.get("active")) return;
    const handled = event.key === "Escape" ? this.escape() : this.change(event);
    if (!handled) return;
    event.preventDefault();
    event.stopPropagation();
  }

  escape() {
    const held = this.drag || this.chosen;
    this.drag = null;
    this.choose("");
    return Boolean(held);
  }

  /** @param {KeyboardEvent} event @returns {boolean} whether the key is one for a region */
  change({ key, shiftKey }) {
    const region = this.regions.find((one) => nameOf(one) === this.chosen);
    if (!region) return false;
    const size = this.model.get("shape");
    if (key === "Delete" || key === "Backspace") {
      this.remove(region);
      return true;
    }
    const step = STEPS[key];
    if (!step) return false;
    const made = shiftKey ? resizedBox(region.box, "en", step, size) : movedBox(region.box, step, size);
    this.put(region, region.box, made, true);
    return true;
  }

  /**
   * Tell the kernel. The box before tells which region is meant: its index may be another one by
   * the time that the kernel hears of it.
   * @param {Named} region
   * @param {Box | null} before null for a new one
   * @param {Box} made
   */
  put({ kind, index }, before, made, byKey = false) {
    this.count += 1;
    this.waiting.set(nameOf({ kind, index }), { kind, index, made });
    this.model.send({ event: "put", kind, before, box: made, count: this.count, by_key: byKey });
    this.draw();
  }

  /** @param {Region} region */
  remove({ kind, index, box }) {
    this.count += 1;
    this.waiting.set(nameOf({ kind, index }), { kind, index, removed: true });
    this.choose("");
    this.model.send({ event: "remove", kind, before: box, count: this.count });
    this.draw();
  }

  /** @param {string} name empty for none */
  choose(name) {
    this.chosen = name;
    this.draw();
    const group = name && this.svg.querySelector(`[data-region="${name}"]`);
    if (group) group.focus({ preventScroll: true });
    else if (name === "") this.el.focus({ preventScroll: true });
  }

  // Drawing -------------------------------------------------------------------------------------

  draw() {
    if (!this.measure()) return;
    if (this.model.get("answered") >= this.count) this.waiting.clear();
    const active = this.model.get("active");
    // Where it takes the pointer, the page reads the pointer's place in the image here.
    for (const name of ["active", "crmasks-plot", "crmasks-plot-image"]) {
      this.el.classList.toggle(name, active);
    }
    this.el.tabIndex = active ? 0 : -1;
    this.drawKinds(active);
    this.drawRings();
    const { regions } = this;
    const names = regions.map(nameOf);
    for (const group of [...this.svg.children]) {
      if (!names.includes(group.dataset.region ?? "")) group.remove();
    }
    for (const region of regions) this.drawRegion(region, active);
  }

  /** @param {boolean} active */
  drawKinds(active) {
    if (!this.kinds && active) {
      /** @type {[string, string][]} */
      const kinds = this.model.get("kinds");
      const buttons = kinds.map(([kind, words]) => {
        const made = element("button", { type: "button", textContent: words });
        made.dataset.kind = kind;
        made.title = `A new region is for: ${words} (${kind})`;
        made.addEventListener("click", () => {
          this.kind = kind;
          this.draw();
        });
        return made;
      });
      this.kinds = element(
        "div", { className: "crmasks-region-kinds", role: "group", aria: { label: "New region" } },
        ...buttons, element("span", { textContent: HINT }),
      );
      this.el.append(this.kinds);
    }
    if (!this.kinds) return;
    this.kinds.hidden = !active;
    for (const button of this.kinds.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.dataset.kind === this.kind));
    }
  }

  /** @param {string} name of a region */
  groupOf(name) {
    const known = [...this.svg.children].find((one) => one.dataset.region === name);
    if (known) return known;
    const made = shape("g", { "data-region": name, role: "button" },
      shape("rect", { class: "halo" }), shape("rect", { class: "line" }),
      shape("rect", { class: "plate", rx: 3 }), shape("text", {}));
    this.svg.append(made);
    return made;
  }

  /** @param {Region} region @param {boolean} active */
  drawRegion(region, active) {
    const name = nameOf(region);
    const group = this.groupOf(name);
    const chosen = active && name === this.chosen;
    group.setAttribute("class", `region ${region.kind}${chosen ? " chosen" : ""}`);
    group.setAttribute("tabindex", active ? "0" : "-1");
    const [xmin, xmax, ymin, ymax] = region.box;
    group.setAttribute("aria-label", `${region.label} region, x ${xmin} to ${xmax}, y ${ymin} to ` +
      `${ymax}; arrows move it, with Shift resize it, Delete removes it`);
    const [left, top] = [this.x(xmin - 0.5), this.y(ymax + 0.5)];
    const size = { width: this.x(xmax + 0.5) - left, height: this.y(ymin - 0.5) - top };
    for (const rect of group.querySelectorAll(".halo, .line")) set(rect, { x: left, y: top, ...size });
    const words = /** @type {SVGTextElement} */ (group.querySelector("text"));
    // Inside the picture as long as the region is.
    set(words, { x: Math.max(left, 0) + 5, y: Math.min(Math.max(top, 0) + 15, this.height - 6) });
    const drawn = this.drag?.made && nameOf(this.drag) === name;
    words.textContent = drawn || chosen ? `${region.label} · ${xmin}:${xmax}, ${ymin}:${ymax}`
      : region.label;
    const { x, y, width, height } = words.getBBox();
    const plate = /** @type {Element} */ (group.querySelector(".plate"));
    set(plate, { x: x - 4, y: y - 1, width: width + 8, height: height + 2 });
    this.drawHandles(group, chosen, left, top, size);
  }

  /**
   * @param {Element} group
   * @param {boolean} chosen
   * @param {number} left
   * @param {number} top
   * @param {{width: number, height: number}} size
   */
  drawHandles(group, chosen, left, top, { width, height }) {
    const handles = group.querySelectorAll(".handle");
    if (!chosen) {
      for (const handle of handles) handle.remove();
      return;
    }
    const all = handles.length ? [...handles] : PARTS.map((part) =>
      group.appendChild(shape("rect", { class: "handle", "data-part": part, width: 9, height: 9 })));
    for (const handle of all) {
      const part = handle.dataset.part ?? "";
      const along = part.includes("w") ? 0 : part.includes("e") ? 1 : 0.5;
      const down = part.includes("n") ? 0 : part.includes("s") ? 1 : 0.5;
      set(handle, { x: left + along * width - 4.5, y: top + down * height - 4.5 });
    }
  }

  drawRings() {
    const { canvas, width, height } = this;
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    /** @type {DataView} */
    const bytes = this.model.get("hits");
    const places = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
    /** @type {[number, number, number][]} across and down to the middle, and the radius */
    const rings = [];
    for (let i = 0; i < places.length; i += 3) {
      const [x, y] = [this.x(places[i]), this.y(places[i + 1])];
      const radius = Math.max(LEAST_RING, places[i + 2] * this.across + 4);
      if (x > -radius && y > -radius && x < width + radius && y < height + radius) {
        rings.push([x, y, radius]);
      }
    }
    this.el.dataset.rings = String(rings.length);
    if (rings.length > MOST_RINGS) return;
    const pen = penOf(canvas);
    pen.scale(ratio, ratio);
    /** @type {string[]} */
    const colours = this.model.get("colours");
    colours.forEach((colour, i) => {
      pen.strokeStyle = colour;
      pen.lineWidth = RING_WIDTHS[i];
      for (const [x, y, radius] of rings) {
        pen.beginPath();
        pen.arc(x, y, radius, 0, 2 * Math.PI);
        pen.stroke();
      }
    });
  }
}

/** @param {Widget} widget */
async function render({ model, el }) {
  const stop = new AbortController();
  const [x, y] = await Promise.all([scaleOf(model, "x"), scaleOf(model, "y")]);
  const view = new OverView(model, el, { x, y });
  el.crmasksOver = view;
  if (!stop.signal.aborted) view.connect(stop.signal);
  return () => stop.abort();
}

export default { initialize, render };
