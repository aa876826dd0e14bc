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

const scaleOf = (model, name) =>
  model.widget_manager.get_model(model.get(name).replace("IPY_MODEL_", ""));
const nameOf = ({ kind, index }) => `${kind} ${index}`;

class OverView {
  /** @type {Model} */ model;
  /** @type {HTMLElement} */ el;
  /** @type {{x: Model, y: Model}} */ scales;
  /** @type {number} */ left;
  /** @type {number} */ high;
  /** @type {number} */ width;
  /** @type {number} */ height;
  /** @type {number} */ across;
  /** @type {number} */ down;

  constructor(model, el, scales) {
    Object.assign(this, { model, el, scales });
    this.drag = null; // {kind, index, part, from, at, box, made}
    this.waiting = new Map(); // what was let go, by its name, until the kernel has answered
    this.count = model.get("answered");
    this.chosen = ""; // name of the region that has handles
    this.kind = model.get("kinds")[0][0];
    el.classList.add("crmasks-over");
    this.canvas = element("canvas");
    this.svg = shape("svg", { role: "group", "aria-label": "Regions" });
    el.append(this.canvas, this.svg);
  }

  connect(signal) {
    const { model, el } = this;
    const draw = () => this.draw();
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
    const ends = (axis) => ["min", "max"].map((end) => this.scales[axis].get(end));
    const { clientWidth: width, clientHeight: height } = this.el;
    const [[left, right], [low, high]] = [ends("x"), ends("y")];
    Object.assign(this, { left, high, width, height });
    this.across = width / (right - left); // screen pixels to a pixel
    this.down = height / (high - low);
    return [left, right, low, high].every(Number.isFinite) && width > 0 && height > 0;
  }

  // Of a place in FITS pixels on the screen, and back.
  x(place) { return (place - this.left) * this.across; }

  y(place) { return (this.high - place) * this.down; }

  /** @param {PointerEvent} event @returns {Pair} */
  place(event) {
    const { left, top } = this.el.getBoundingClientRect();
    return [
      this.left + (event.clientX - left) / this.across, this.high - (event.clientY - top) / this.down,
    ];
  }

  // The hand ------------------------------------------------------------------------------------

  get regions() {
    const made = this.model.get("regions").map((region) => ({ ...region }));
    for (const held of [...this.waiting.values(), ...(this.drag?.made ? [this.drag] : [])]) {
      const same = made.find((region) => nameOf(region) === nameOf(held));
      if (same && held.removed) made.splice(made.indexOf(same), 1);
      else if (same) same.box = held.made;
      else if (!held.removed) made.push({ kind: held.kind, index: held.index, box: held.made, label: "new" });
    }
    return made;
  }

  press(event) {
    if (event.button !== 0 || !this.model.get("active")) return;
    if (event.target.closest(".crmasks-region-kinds")) return;
    event.preventDefault();
    const group = event.target.closest("[data-region]");
    const from = this.place(event);
    const at = [event.clientX, event.clientY];
    this.el.setPointerCapture(event.pointerId);
    if (!group) {
      // There is one region for the cross-correlation: a new one takes its place.
      const known = this.model.get("regions").filter((region) => region.kind === this.kind);
      const index = this.kind === "mm_crosscorr_region" ? 0 : known.length;
      this.choose("");
      this.drag = { kind: this.kind, index, part: "new", from, at, made: null };
      return;
    }
    const region = this.regions.find((one) => nameOf(one) === group.dataset.region);
    this.choose(group.dataset.region);
    const part = event.target.dataset.part ?? "move";
    this.drag = { ...region, was: region.box, part, from, at, made: null };
  }

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
    drag.made = drag.part === "new" ? boxBetween(drag.from, to, size)
      : draggedBox(drag.box, drag.part, by, size);
    this.draw();
  }

  drop() {
    const { drag } = this;
    this.drag = null;
    if (drag?.made) {
      this.choose(nameOf(drag));
      this.put(drag, drag.made, drag.part === "new");
    }
    this.draw();
  }

  cancel() {
    this.drag = null;
    this.draw();
  }

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
    this.put({ ...region, was: region.box }, made, false, true);
    return true;
  }

  // "was" tells which region is meant: its place may be another one when the kernel hears of it.
  put({ kind, index, was = null }, made, born, byKey = false) {
    this.count += 1;
    this.waiting.set(nameOf({ kind, index }), { kind, index, made });
    const content = { event: "put", kind, was: born ? null : was, box: made, count: this.count };
    this.model.send({ ...content, by_key: byKey });
    this.draw();
  }

  remove({ kind, index, box }) {
    this.count += 1;
    this.waiting.set(nameOf({ kind, index }), { kind, index, removed: true });
    this.choose("");
    this.model.send({ event: "remove", kind, was: box, count: this.count });
    this.draw();
  }

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
      if (!names.includes(group.dataset.region)) group.remove();
    }
    for (const region of regions) this.drawRegion(region, active);
  }

  drawKinds(active) {
    if (!this.kinds && active) {
      const buttons = this.model.get("kinds").map(([kind, words]) => {
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

  drawRegion(region, active) {
    const name = nameOf(region);
    let group = [...this.svg.children].find((one) => one.dataset.region === name);
    if (!group) {
      group = shape("g", { "data-region": name, role: "button" },
        shape("rect", { class: "halo" }), shape("rect", { class: "line" }),
        shape("rect", { class: "plate", rx: 3 }), shape("text", {}));
      this.svg.append(group);
    }
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
    set(group.querySelector(".plate"), { x: x - 4, y: y - 1, width: width + 8, height: height + 2 });
    this.drawHandles(group, chosen, left, top, size);
  }

  drawHandles(group, chosen, left, top, { width, height }) {
    const handles = group.querySelectorAll(".handle");
    if (!chosen) {
      for (const handle of handles) handle.remove();
      return;
    }
    const all = handles.length ? [...handles] : PARTS.map((part) =>
      group.appendChild(shape("rect", { class: "handle", "data-part": part, width: 9, height: 9 })));
    for (const handle of all) {
      const { part } = handle.dataset;
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
    const bytes = this.model.get("hits");
    const places = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
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
    this.model.get("colours").forEach((colour, i) => {
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

function set(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
}

async function render({ model, el }) {
  const stop = new AbortController();
  const [x, y] = await Promise.all([scaleOf(model, "x"), scaleOf(model, "y")]);
  const view = new OverView(model, el, { x, y });
  el.crmasksOver = view;
  if (!stop.signal.aborted) view.connect(stop.signal);
  return () => stop.abort();
}

export default { initialize, render };
