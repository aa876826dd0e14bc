// Draws the line over the diagram, and moves it with the pointer before the kernel has answered.
//
// The texts that hand.py names stand before this one in one module. Where the kernel has answered,
// its pictures are on screen; while it has not, the page draws the glyphs by itself.

const NEWBORN = 1e4; // weight of a point that is born on the line
const LOW = 60; // pixels above the lower edge, where the readout lies
const REACH = 3; // pixels that the pointer may move in a click

/** @param {number} value */
const number = (value) => {
  const digits = Math.abs(value) < 1000 ? 1 : 0;
  return value.toFixed(digits).replace("-", "\u2212");
};

/** @typedef {{name: string, unit: string, value: number}} Said a value along an axis */
/**
 * @typedef {Object} Drag of a point
 * @property {string} gesture
 * @property {number} index of the point
 * @property {boolean} born whether there was none
 * @property {boolean} moved whether the hand went further than in a click
 * @property {[number, number]} from where it was pressed, pixels of the page
 * @property {number} x where the hand has it
 * @property {number} y
 * @property {number} weight
 * @property {boolean} answered whether the kernel has it
 */

class HandView {
  /** @type {Model} */ model;
  /** @type {HTMLElement} */ el;
  /** @type {{x: Model, y: Model}} */ scales;
  /** @type {Element} */ plot;
  /** @type {number} */ width;
  /** @type {number} */ height;
  /** @type {SVGElement} */ iterations;
  /** @type {SVGElement} */ crosses;
  /** @type {SVGElement} */ levels;
  /** @type {HTMLElement | null} */ form;
  /** @type {Line | null} */ lineAt;
  /** @type {[Said, Said] | null} what the readout says, across and up */ at;
  /** @type {number | null} candidates above the line */ above;
  /** @type {number | null} where a point would be born, x */ near;
  /** @type {Drag | null} */ drag;
  /** @type {Drag | null} what was dropped, until the kernel shows it */ settling;

  /** @type {number | null} index of the point under the pointer */ hovered;

  /** @param {Model} model @param {HTMLElement} el @param {{x: Model, y: Model}} scales */
  constructor(model, el, scales) {
    Object.assign(this, { model, el, scales });
    this.drag = null;
    this.settling = null;
    this.hovered = null;
    this.near = null;
    this.at = this.above = null; // what the readout says
    this.waiting = false;
    el.classList.add("crmasks-hand");
    this.crowd = new Crowd(model, el);
    this.svg = make(el, "svg");
    this.area = make(this.svg, "path", { class: "area" });
    this.iterations = make(this.svg, "g");
    this.crosses = make(this.svg, "g");
    this.levels = make(this.svg, "g");
    this.halo = make(this.svg, "path", { class: "halo" });
    this.line = make(this.svg, "path", { class: "boundary" });
    this.grip = make(this.svg, "path", { class: "grip" });
    this.ghost = make(this.svg, "rect", { class: "ghost", width: 8, height: 8, display: "none" });
    this.points = make(this.svg, "g");
    this.legend = make(el, "div", { class: "crmasks-legend" });
    this.readout = make(el, "div", { class: "crmasks-readout" });
  }

  /** @param {Element} plot @param {AbortSignal} signal */
  connect(plot, signal) {
    const { model, el } = this;
    /**
     * @template {keyof HTMLElementEventMap} Name
     * @param {Element} node
     * @param {Name} name
     * @param {(event: HTMLElementEventMap[Name]) => void} action
     */
    const listen = (node, name, action) => /** @type {HTMLElement} */ (node).addEventListener(name, action, { signal });
    this.plot = plot;
    listen(el, "pointerdown", (event) => this.press(event));
    listen(el, "pointermove", (event) => this.follow(event));
    listen(el, "pointerup", (event) => this.release(event));
    listen(el, "pointercancel", (event) => this.release(event));
    listen(el, "dblclick", (event) => event.target.closest(".point") && event.stopPropagation());
    listen(plot, "pointermove", (event) => this.read(event));
    listen(plot, "pointerleave", () => this.leave());
    listen(plot.closest(".crmasks-dashboard") ?? plot, "keydown", (event) => this.key(event));
    const draw = () => this.draw();
    /** @param {Model} source @param {string} names @param {(told: {event: string, name: string}) => void} action */
    const watch = (source, names, action) => {
      source.on(names, action);
      signal.addEventListener("abort", () => source.off(names, action));
    };
    watch(model, "change:scene", () => this.answer());
    watch(model, "change:answered", () => this.answer());
    watch(model, "msg:custom", ({ event, name }) => {
      if (event === "save") saveSnapshot(plot, el, name);
    });
    watch(model, "change:axes change:active", draw);
    watch(model, "change:places change:others change:rest", () => this.crowd.forget());
    watch(model, "change:stamps", () => this.crowd.load());
    watch(model, "change:legend change:stamps", () => this.explain());
    for (const scale of Object.values(this.scales)) watch(scale, "change:min change:max", draw);
    const resized = new ResizeObserver(draw);
    resized.observe(el);
    signal.addEventListener("abort", () => resized.disconnect());
    const ratio = window.devicePixelRatio || 1;
    if (ratio !== model.get("ratio")) {
      model.set("ratio", ratio);
      model.save_changes();
    }
    this.explain();
    this.draw();
  }

  // Places -------------------------------------------------------------------------------------

  /** @param {"x" | "y"} axis @returns {[number, number]} */
  ends(axis) {
    const scale = this.scales[axis];
    return [scale.get("min"), scale.get("max")];
  }

  // From data to pixels of the plotting area, and back.
  /** @param {number} x */
  across(x) {
    const [low, high] = this.ends("x");
    return ((forward(this.model.get("axes").x, x) - low) / (high - low)) * this.width;
  }

  /** @param {number} y */
  up(y) {
    const [low, high] = this.ends("y");
    const share = (forward(this.model.get("axes").y, y) - low) / (high - low);
    return (1 - share) * this.height;
  }

  /** @param {PointerEvent} event @returns {[number, number]} */
  data(event) {
    const box = this.el.getBoundingClientRect();
    const { x, y } = this.model.get("axes");
    /** @param {number} value */
    const inside = (value) => Math.min(Math.max(value, 0), 1);
    /** @param {[number, number]} ends @param {number} share */
    const part = (ends, share) => ends[0] + share * (ends[1] - ends[0]);
    return [
      backward(x, part(this.ends("x"), inside((event.clientX - box.left) / box.width))),
      backward(y, part(this.ends("y"), inside((box.bottom - event.clientY) / box.height))),
    ];
  }

  // What is held -------------------------------------------------------------------------------

  /** @returns {Point | null} */
  get held() {
    const held = this.drag?.moved ? this.drag : this.settling;
    return held ? [held.x, held.y, held.weight] : null;
  }

  // Which point is meant: its place may be another one by the time that the kernel hears of it.
  /** @param {number} index */
  meant(index) {
    const points = this.model.get("scene").points ?? [];
    return { index, was: points[index] ?? null, count: points.length };
  }

  /** @returns {Point[]} */
  get shownPoints() {
    const points = this.model.get("scene").points ?? [];
    const held = this.drag?.moved ? this.drag : this.settling;
    if (!held || held.answered || (!held.born && held.index >= points.length)) return points;
    return withHeld(points, held.index, held.x, held.y, NEWBORN);
  }

  /** @param {PointerEvent} event */
  press(event) {
    if (event.button !== 0 || !this.model.get("active")) return;
    const point = event.target.closest(".point");
    if (!point && event.target !== this.grip) return;
    if (point) event.stopPropagation(); // no click on what lies behind
    const index = point ? Number(point.dataset.index) : this.model.get("scene").points.length;
    if (point && event.altKey) {
      this.model.send({ event: "remove", ...this.meant(index) });
      return;
    }
    this.close();
    this.settling = null;
    this.el.setPointerCapture(event.pointerId);
    const weight = point ? this.model.get("scene").points[index][2] : NEWBORN;
    const gesture = freshId("gesture");
    /** @type {Drag["from"]} */
    const from = [event.clientX, event.clientY];
    const [x, y] = this.data(event);
    this.drag = { gesture, index, born: !point, moved: false, from, x, y, weight, answered: false };
  }

  /** @param {PointerEvent} event */
  follow(event) {
    const { drag, model } = this;
    if (!drag) return;
    const [x, y] = drag.from;
    if (!drag.moved) {
      if (Math.hypot(event.clientX - x, event.clientY - y) < REACH) return;
      drag.moved = true;
      this.el.classList.add("held");
      model.send({ event: "grasp", gesture: drag.gesture, ...this.meant(drag.index) });
    }
    [drag.x, drag.y] = this.data(event);
    model.set("moved", { gesture: drag.gesture, x: drag.x, y: drag.y });
    model.save_changes();
    this.draw();
  }

  /** @param {PointerEvent} event */
  release(event) {
    const { drag } = this;
    if (!drag) return;
    this.drag = null;
    this.el.classList.remove("held");
    if (!drag.born) event.stopPropagation();
    if (drag.moved) {
      event.stopPropagation();
      this.settling = drag;
      const { gesture, x, y } = drag;
      this.model.send({ event: "drop", gesture, x, y });
    } else if (!drag.born && event.type === "pointerup") {
      this.open(drag.index);
    }
    this.draw();
  }

  answer() {
    const { settling, model } = this;
    if (settling && model.get("answered") === settling.gesture) {
      settling.answered = true;
      if (model.get("scene").settled) this.settling = null;
    }
    if (Boolean(model.get("scene").curve) !== this.lined) this.explain();
    this.draw();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (this.hovered === null || event.target.closest("input")) return;
    if (event.key !== "Delete" && event.key !== "Backspace") return;
    event.preventDefault();
    event.stopPropagation();
    this.model.send({ event: "remove", ...this.meant(this.hovered) });
    this.hovered = null;
  }

  // Exact numbers ------------------------------------------------------------------------------

  /** @param {number} index of a point */
  open(index) {
    this.close();
    const point = this.model.get("scene").points[index];
    const meant = this.meant(index); // as long as the form is open others may come and go
    /** @param {{event: string, point?: number[]}} content */
    const say = (content) => {
      this.model.send({ ...content, ...meant });
      this.close();
    };
    const { unit } = this.model.get("axes").x;
    const form = exactForm(this.el, index + 1, point, unit, say, () => this.close());
    this.form = form;
    const left = Math.min(this.across(point[0]) + 10, this.width - form.offsetWidth);
    const top = Math.min(this.up(point[1]) + 10, this.height - form.offsetHeight);
    form.style.left = `${Math.max(0, left)}px`;
    form.style.top = `${Math.max(0, top)}px`;
  }

  close() {
    this.form?.remove();
    this.form = null;
  }

  // Words --------------------------------------------------------------------------------------

  /** @param {PointerEvent} event */
  read(event) {
    const { x: xAxis, y: yAxis } = this.model.get("axes");
    if (!xAxis || event.target.closest(".crmasks-exact")) return;
    const [x, y] = this.drag?.moved ? [this.drag.x, this.drag.y] : this.data(event);
    const point = event.target.closest(".point");
    this.hovered = point ? Number(point.dataset.index) : null;
    this.near = event.target === this.grip && !this.drag ? x : null;
    /** @param {Omit<Said, "value">} axis @param {number} value @returns {Said} */
    const said = ({ name, unit }, value) => ({ name, unit, value });
    this.at = [said(xAxis, x), said(yAxis, y)];
    this.draw();
  }

  leave() {
    if (this.drag) return;
    this.at = null;
    this.hovered = this.near = null;
    this.draw();
  }

  explain() {
    const { legend, model } = this;
    const { pictures = {}, ratio = 1, side = 1 } = model.get("stamps");
    legend.replaceChildren();
    for (const { code, name } of model.get("legend")) {
      const entry = make(legend, "span");
      const src = pictures[code];
      if (src) make(entry, "img", { src, width: side / ratio, height: side / ratio, alt: "" });
      entry.append(name);
    }
    this.lined = Boolean(model.get("scene").curve);
    if (this.lined) {
      for (const [kind, name] of [["", "boundary"], ["contour", "expected"]]) {
        const entry = make(legend, "span");
        make(entry, "i", { class: kind });
        entry.append(name);
      }
    }
    this.draw();
  }

  // Drawing ------------------------------------------------------------------------------------

  draw() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      // Measured once: asked for between two changes, the page would be laid out each time.
      [this.width, this.height] = [this.el.clientWidth, this.el.clientHeight];
      if (this.width && this.model.get("axes").x) this.drawNow();
    });
  }

  drawNow() {
    /** @type {Scene} */
    const scene = this.model.get("scene");
    const points = this.shownPoints;
    this.el.classList.toggle("active", Boolean(this.model.get("active")));
    this.lineAt = lineOf(scene, points, this.held);
    const knots = [...(scene.curve?.x ?? []), ...points.map((point) => point[0])];
    const path = this.lineAt ? this.pathOf(this.lineAt, knots) : "";
    for (const node of [this.halo, this.line]) set(node, { d: path });
    set(this.grip, { d: scene.movable ? path : "" });
    set(this.area, { d: this.areaOf(scene, knots) });
    each(this.iterations, scene.iterations ?? [], "path", (node, curve) =>
      set(node, { class: "iteration", d: this.pathOf((x) => height(curve, x), curve.x ?? []) }));
    each(this.crosses, scene.crosses ?? [], "path", (node, [x, y]) => {
      const [a, b] = [this.across(x), this.up(y)];
      set(node, { class: "cross", d: `M${a - 3} ${b}h6M${a} ${b - 3}v6` });
    });
    this.drawLevels(scene.levels ?? []);
    this.drawPoints(scene.movable ? points : []);
    this.drawGlyphs(scene);
    this.readout.textContent = this.at ? this.saying(this.at) : "";
    const low = this.at && this.up(this.at[1].value) > this.height - LOW;
    this.readout.classList.toggle("above", Boolean(low));
  }

  /**
   * What is under the pointer, or what the hand holds and how much is above the line then.
   * @param {[Said, Said]} at
   */
  saying([across, up]) {
    const dot = " \u00b7 ";
    if (this.drag?.moved) {
      const above = this.above === null ? "" : `${dot}${this.above} above the line`;
      return `${number(across.value)}, ${number(up.value)} ${up.unit}${above}`;
    }
    const unit = across.unit === up.unit ? "" : ` ${across.unit}`;
    const line = this.lineAt ? `${dot}line ${number(this.lineAt(across.value))}` : "";
    const [x, y] = [across, up].map(({ name, value }) => `${name} ${number(value)}`);
    return `${x}${unit}${dot}${y}${line} ${up.unit}`;
  }

  /** @param {Line} line @param {number[]} knots */
  pathOf(line, knots) {
    const { width } = this;
    const [low, high] = this.ends("x");
    const axis = this.model.get("axes").x;
    const places = [];
    for (let i = 0; i <= width; i += 2) {
      places.push(backward(axis, low + (i / width) * (high - low)));
    }
    const [first, last] = [places[0], places[places.length - 1]];
    places.push(...knots.filter((x) => x > first && x < last));
    places.sort((a, b) => a - b);
    /** @param {number} value */
    const limit = (value) => Math.min(Math.max(value, -1e4), 1e4).toFixed(1);
    /** @param {number} x */
    const corner = (x) => `${this.across(x).toFixed(1)} ${limit(this.up(line(x)))}`;
    return `M${places.map(corner).join("L")}`;
  }

  /**
   * Where what lies there is flagged: above the line, and above the threshold.
   * @param {Scene} scene @param {number[]} knots
   */
  areaOf({ levels = [], threshold }, knots) {
    const start = threshold ?? levels.find(({ dashed }) => !dashed)?.y;
    if (!this.lineAt && start === undefined) return "";
    /** @param {number} x */
    const least = (x) => Math.max(this.lineAt?.(x) ?? -Infinity, start ?? -Infinity);
    return `${this.pathOf(least, knots)}V0H0Z`;
  }

  /** @param {Level[]} levels */
  drawLevels(levels) {
    const { width } = this;
    each(this.levels, levels, "g", (node, { y, text, dashed }) => {
      if (!node.childElementCount) {
        make(node, "line");
        make(node, "text");
      }
      const at = this.up(y);
      const [rule, words] = node.children;
      set(rule, { class: dashed ? "level dashed" : "level", x1: 0, x2: width, y1: at, y2: at });
      // Under the line where the next one is too close above it.
      const close = levels.some((other) => other.y > y && at - this.up(other.y) < 18);
      set(words, { x: width - 6, y: close ? at + 13 : at - 5 });
      words.textContent = text;
    });
  }

  /** @param {Point[]} points */
  drawPoints(points) {
    const held = this.drag?.moved ? this.drag.index : null;
    each(this.points, points, "g", (node, [x, y], i) => {
      if (!node.childElementCount) {
        make(node, "circle", { r: 11 });
        make(node, "rect", { x: -4.5, y: -4.5, width: 9, height: 9 });
      }
      node.dataset.index = i;
      set(node, {
        class: i === held ? "point held" : "point",
        transform: `translate(${this.across(x)},${this.up(y)})`,
      });
    });
    const line = this.near !== null && this.hovered === null && !this.drag && this.lineAt;
    set(this.ghost, { display: line ? "" : "none" });
    if (line && this.near !== null) {
      set(this.ghost, { x: this.across(this.near) - 4, y: this.up(line(this.near)) - 4 });
    }
  }

  /** What the line makes of the candidates, while the kernel has not answered. @param {Scene} scene */
  drawGlyphs(scene) {
    const kernels = [...this.plot.querySelectorAll("image")].at(-1);
    const ahead = this.held && this.lineAt && this.crowd.known();
    if (kernels) kernels.style.visibility = ahead ? "hidden" : "";
    const before = this.above;
    this.above = ahead ? this.crowd.draw(this, scene) : this.crowd.clear();
    if (before !== this.above) {
      const detail = { above: this.above };
      this.el.dispatchEvent(new CustomEvent("crmasks-above", { detail, bubbles: true }));
    }
  }
}

/** @param {Widget} widget */
async function render({ model, el }) {
  const stop = new AbortController();
  const [x, y] = await Promise.all([scaleOf(model, "x"), scaleOf(model, "y")]);
  const view = new HandView(model, el, { x, y });
  // The element is made before the page holds it.
  const begin = () => {
    if (stop.signal.aborted) return;
    const plot = el.closest(".crmasks-plot");
    if (plot) view.connect(plot, stop.signal);
    else requestAnimationFrame(begin);
  };
  begin();
  el.crmasksHand = view;
  return () => stop.abort();
}

export default { initialize, render };
