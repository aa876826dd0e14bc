// Draws the line over the diagram, and moves it with the pointer before the kernel has answered.
//
// The functions of curves.js stand before this text in one module. Where the kernel has answered,
// its pictures are on screen; while it has not, the page draws the glyphs by itself.

const NEWBORN = 1e4; // weight of a point that is born on the line
const REACH = 3; // pixels that the pointer may move in a click
const SVG = "http://www.w3.org/2000/svg";

function make(parent, name, attributes = {}) {
  const svg = parent.namespaceURI === SVG || name === "svg";
  const node = svg ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return parent.appendChild(node);
}

// As many children as there are things to show, each told what it shows.
function each(group, things, name, show) {
  while (group.childElementCount > things.length) group.lastElementChild.remove();
  while (group.childElementCount < things.length) make(group, name);
  things.forEach((thing, i) => show(group.children[i], thing, i));
}

function set(node, attributes) {
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
}

const scaleOf = (model, name) =>
  model.widget_manager.get_model(model.get(name).replace("IPY_MODEL_", ""));

const number = (value) => {
  const digits = Math.abs(value) < 1000 ? 1 : 0;
  return value.toFixed(digits).replace("-", "\u2212");
};

class HandView {
  constructor(model, el, scales) {
    Object.assign(this, { model, el, scales });
    this.drag = null; // {gesture, index, born, moved, from, x, y, weight, answered}
    this.settling = null; // what was dropped, until the kernel shows it
    this.hovered = null;
    this.waiting = false;
    this.images = new Map();
    el.classList.add("crmasks-hand");
    this.canvas = make(el, "canvas");
    this.svg = make(el, "svg");
    for (const part of ["iterations", "crosses", "levels"]) this[part] = make(this.svg, "g");
    this.halo = make(this.svg, "path", { class: "halo" });
    this.line = make(this.svg, "path", { class: "boundary" });
    this.grip = make(this.svg, "path", { class: "grip" });
    this.ghost = make(this.svg, "rect", { class: "ghost", width: 8, height: 8, display: "none" });
    this.points = make(this.svg, "g");
    this.legend = make(el, "div", { class: "crmasks-legend" });
    this.readout = make(el, "div", { class: "crmasks-readout" });
  }

  connect(plot, signal) {
    const { model, el } = this;
    const listen = (node, name, action) => node.addEventListener(name, action, { signal });
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
    const watch = (source, names, action) => {
      source.on(names, action);
      signal.addEventListener("abort", () => source.off(names, action));
    };
    watch(model, "change:scene", () => this.answer());
    watch(model, "change:answered", () => this.answer());
    watch(model, "change:axes change:active", draw);
    watch(model, "change:places change:others change:rest", () => this.forget());
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

  ends(axis) {
    const scale = this.scales[axis];
    return [scale.get("min"), scale.get("max")];
  }

  // From data to pixels of the plotting area, and back.
  across(x) {
    const [low, high] = this.ends("x");
    return ((forward(this.model.get("axes").x, x) - low) / (high - low)) * this.el.clientWidth;
  }

  up(y) {
    const [low, high] = this.ends("y");
    const share = (forward(this.model.get("axes").y, y) - low) / (high - low);
    return (1 - share) * this.el.clientHeight;
  }

  data(event) {
    const box = this.el.getBoundingClientRect();
    const { x, y } = this.model.get("axes");
    const inside = (value) => Math.min(Math.max(value, 0), 1);
    const part = (ends, share) => ends[0] + share * (ends[1] - ends[0]);
    return [
      backward(x, part(this.ends("x"), inside((event.clientX - box.left) / box.width))),
      backward(y, part(this.ends("y"), inside((box.bottom - event.clientY) / box.height))),
    ];
  }

  // What is held -------------------------------------------------------------------------------

  get held() {
    const held = this.drag?.moved ? this.drag : this.settling;
    return held ? [held.x, held.y, held.weight] : null;
  }

  get shownPoints() {
    const points = this.model.get("scene").points ?? [];
    const held = this.drag?.moved ? this.drag : this.settling;
    if (!held || held.answered || (!held.born && held.index >= points.length)) return points;
    return withHeld(points, held.index, held.x, held.y, NEWBORN);
  }

  press(event) {
    if (event.button !== 0 || !this.model.get("active")) return;
    const point = event.target.closest(".point");
    if (!point && event.target !== this.grip) return;
    if (point) event.stopPropagation(); // no click on what lies behind
    const index = point ? Number(point.dataset.index) : this.model.get("scene").points.length;
    if (point && event.altKey) {
      this.model.send({ event: "remove", index });
      return;
    }
    this.close();
    this.settling = null;
    this.el.setPointerCapture(event.pointerId);
    const weight = point ? this.model.get("scene").points[index][2] : NEWBORN;
    const gesture = `${Date.now()}-${Math.random()}`;
    const from = [event.clientX, event.clientY];
    this.drag = { gesture, index, born: !point, moved: false, from, weight, answered: false };
  }

  follow(event) {
    const { drag, model } = this;
    if (!drag) return;
    const [x, y] = drag.from;
    if (!drag.moved) {
      if (Math.hypot(event.clientX - x, event.clientY - y) < REACH) return;
      drag.moved = true;
      this.el.classList.add("held");
      model.send({ event: "grasp", gesture: drag.gesture, index: drag.index });
    }
    [drag.x, drag.y] = this.data(event);
    model.set("moved", { gesture: drag.gesture, index: drag.index, x: drag.x, y: drag.y });
    model.save_changes();
    this.draw();
  }

  release(event) {
    const { drag } = this;
    if (!drag) return;
    this.drag = null;
    this.el.classList.remove("held");
    if (!drag.born) event.stopPropagation();
    if (drag.moved) {
      event.stopPropagation();
      this.settling = drag;
      const { gesture, index, x, y } = drag;
      this.model.send({ event: "drop", gesture, index, x, y });
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

  key(event) {
    if (this.hovered === null || event.target.closest("input")) return;
    if (event.key !== "Delete" && event.key !== "Backspace") return;
    event.preventDefault();
    event.stopPropagation();
    this.model.send({ event: "remove", index: this.hovered });
    this.hovered = null;
  }

  // Exact numbers ------------------------------------------------------------------------------

  open(index) {
    this.close();
    const point = this.model.get("scene").points[index];
    const form = make(this.el, "form", { class: "crmasks-exact" });
    const names = ["x (ADU)", "y (ADU)", "weight"];
    const fields = names.map((name, i) => {
      const label = make(form, "label");
      label.textContent = name;
      const field = make(form, "input", { "aria-label": `${name} of point ${index + 1}` });
      field.value = point[i];
      return field;
    });
    const button = (words, type) => {
      const made = make(form, "button", { type });
      made.textContent = words;
      return made;
    };
    const remove = button("remove", "button");
    button("set", "submit");
    const { clientWidth, clientHeight } = this.el;
    const left = Math.min(this.across(point[0]) + 10, clientWidth - form.offsetWidth);
    const top = Math.min(this.up(point[1]) + 10, clientHeight - form.offsetHeight);
    form.style.left = `${Math.max(0, left)}px`;
    form.style.top = `${Math.max(0, top)}px`;
    for (const name of ["pointerdown", "pointerup", "dblclick", "click"]) {
      form.addEventListener(name, (event) => event.stopPropagation());
    }
    form.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Escape") this.close();
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const numbers = fields.map((field) => Number(field.value.replace("\u2212", "-")));
      const wrong = numbers.findIndex((value, i) => !fields[i].value.trim() || !isFinite(value));
      fields.forEach((field, i) => field.setCustomValidity(i === wrong ? "a number" : ""));
      if (wrong >= 0) {
        fields[wrong].reportValidity();
        return;
      }
      this.model.send({ event: "exact", index, point: numbers });
      this.close();
    });
    remove.addEventListener("click", () => {
      this.model.send({ event: "remove", index });
      this.close();
    });
    this.form = form;
    fields[1].focus();
    fields[1].select();
  }

  close() {
    this.form?.remove();
    this.form = null;
  }

  // Words --------------------------------------------------------------------------------------

  read(event) {
    const { x: xAxis, y: yAxis } = this.model.get("axes");
    if (!xAxis || event.target.closest(".crmasks-exact")) return;
    const [x, y] = this.drag?.moved ? [this.drag.x, this.drag.y] : this.data(event);
    const point = event.target.closest?.(".point");
    this.hovered = point ? Number(point.dataset.index) : null;
    this.near = event.target === this.grip && !this.drag ? x : null;
    const parts = [];
    for (const [axis, value] of [[xAxis, x], [yAxis, y]]) {
      const [, name, unit] = axis.name.match(/^(.*) \((.*)\)$/) ?? [null, axis.name, ""];
      parts.push(`${name} ${number(value)} ${unit}`);
    }
    if (this.above !== null && this.held) parts.push(`${this.above} above the line`);
    else if (this.lineAt) parts.push(`line ${number(this.lineAt(x))} ADU`);
    this.words = parts.join(" \u00b7 ");
    this.draw();
  }

  leave() {
    if (this.drag) return;
    this.words = "";
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
    this.images = new Map(Object.entries(pictures).map(([code, src]) => {
      const image = new Image();
      image.src = src;
      return [Number(code), image];
    }));
    this.draw();
  }

  // Drawing ------------------------------------------------------------------------------------

  draw() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      if (this.el.clientWidth && this.model.get("axes").x) this.drawNow();
    });
  }

  drawNow() {
    const scene = this.model.get("scene");
    const points = this.shownPoints;
    this.el.classList.toggle("active", Boolean(this.model.get("active")));
    this.lineAt = lineOf(scene, points, this.held);
    const path = this.lineAt ? this.pathOf(this.lineAt, scene.curve?.x ?? points.map((p) => p[0])) : "";
    for (const node of [this.halo, this.line]) set(node, { d: path });
    set(this.grip, { d: scene.movable ? path : "" });
    each(this.iterations, scene.iterations ?? [], "path", (node, curve) =>
      set(node, { class: "iteration", d: this.pathOf((x) => height(curve, x), curve.x ?? []) }));
    each(this.crosses, scene.crosses ?? [], "path", (node, [x, y]) => {
      const [a, b] = [this.across(x), this.up(y)];
      set(node, { class: "cross", d: `M${a - 3} ${b}h6M${a} ${b - 3}v6` });
    });
    this.drawLevels(scene.levels ?? []);
    this.drawPoints(scene.movable ? points : []);
    this.drawGlyphs(scene);
    this.readout.textContent = this.words ?? "";
  }

  pathOf(line, knots) {
    const width = this.el.clientWidth;
    const [low, high] = this.ends("x");
    const axis = this.model.get("axes").x;
    const places = [];
    for (let i = 0; i <= width; i += 2) places.push(backward(axis, low + (i / width) * (high - low)));
    const [first, last] = [places[0], places.at(-1)];
    places.push(...knots.filter((x) => x > first && x < last));
    places.sort((a, b) => a - b);
    const limit = (value) => Math.min(Math.max(value, -1e4), 1e4).toFixed(1);
    return places.map((x, i) => `${i ? "L" : "M"}${this.across(x).toFixed(1)} ${limit(this.up(line(x)))}`)
      .join("");
  }

  drawLevels(levels) {
    const width = this.el.clientWidth;
    each(this.levels, levels, "g", (node, { y, text, dashed }) => {
      if (!node.childElementCount) {
        make(node, "line");
        make(node, "text");
      }
      const at = this.up(y);
      const [rule, words] = node.children;
      set(rule, { class: dashed ? "level dashed" : "level", x1: 0, x2: width, y1: at, y2: at });
      set(words, { x: width - 6, y: at - 5 });
      words.textContent = text;
    });
  }

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
    const seen = this.near !== null && this.near !== undefined && this.lineAt && this.hovered === null;
    set(this.ghost, { display: seen && !this.drag ? "" : "none" });
    if (seen) {
      set(this.ghost, { x: this.across(this.near) - 4, y: this.up(this.lineAt(this.near)) - 4 });
    }
  }

  forget() {
    this.candidates = null;
  }

  // Candidates, and after them what is flagged without being one.
  known() {
    const [places, others] = [this.model.get("places"), this.model.get("others")];
    if (!this.candidates && places?.byteLength && places.byteLength === 8 * others.byteLength) {
      this.candidates = unpacked(places, others);
      this.flagged = unpacked(this.model.get("rest"));
    }
    return this.candidates;
  }

  drawGlyphs(scene) {
    const ahead = this.held && this.lineAt && this.known();
    const pictures = [...this.plot.querySelectorAll("image")];
    const kernels = pictures.at(-1);
    if (kernels) kernels.style.visibility = ahead ? "hidden" : "";
    const context = this.canvas.getContext("2d");
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [this.el.clientWidth * ratio, this.el.clientHeight * ratio].map(Math.round);
    if (this.canvas.width !== width || this.canvas.height !== height || this.drawn) {
      [this.canvas.width, this.canvas.height] = [width, height];
      this.drawn = false;
    }
    const before = this.above;
    this.above = null;
    if (ahead) {
      const { above, codes } = judged(ahead, this.lineAt, scene.threshold ?? -Infinity, this.model.get("combine"));
      this.above = above;
      this.stamp(context, ratio, ahead, codes);
      this.stamp(context, ratio, this.flagged, this.flagged.code);
      this.drawn = true;
    }
    if (before !== this.above) {
      const detail = { above: this.above };
      this.el.dispatchEvent(new CustomEvent("crmasks-above", { detail, bubbles: true }));
    }
  }

  stamp(context, ratio, { x, y }, codes) {
    for (let i = 0; i < x.length; i += 1) {
      const image = codes[i] && this.images.get(codes[i]);
      if (!image?.complete) continue;
      const left = Math.floor(this.across(x[i]) * ratio) - (image.width >> 1);
      const top = Math.floor(this.up(y[i]) * ratio) - (image.height >> 1);
      context.drawImage(image, left, top);
    }
  }
}

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

export default { render };
