import assert from "node:assert/strict";
import test from "node:test";

import { load } from "./load.mjs";
import { fakeModel, page } from "./page.mjs";

const { connect, foldFrame, isStill, placeBubble, position, rememberVisit, whenMade } = await load(
  "page-page", "connect", "foldFrame", "isStill", "position", "rememberVisit", "whenMade",
);
const { default: topbar, element: make, freshId, keep, waitForNext } = await load(
  "page-topbar", "element", "freshId", "keep", "waitForNext",
);

const ROOM = { width: 1000, height: 600 };
const BUBBLE = { width: 200, height: 100 };

test("an element has its properties, its attributes of aria and its children", () => {
  page();
  const made = make("button", { type: "button", textContent: "a", aria: { label: "A" } }, make("b"), "c");
  assert.equal(made.type, "button");
  assert.equal(made.getAttribute("aria-label"), "A");
  assert.equal(made.textContent, "ac");
  assert.equal(made.children[0].localName, "b");
});

test("ids differ, whatever they are made for", () => {
  const ids = Array.from({ length: 50 }, () => freshId("row"));
  assert.equal(new Set(ids).size, 50);
  assert.ok(ids.every((id) => /^crmasks-row-\w+$/.test(id)));
});

test("an element keeps the children of what stays, in the order of what is shown", () => {
  const parent = page().element("div");
  const made = [];
  const show = (things) => keep(parent, things, ({ key }) => key, ({ key }) => {
    made.push(key);
    return make("b");
  }, (child, { text }) => { child.textContent = text; });
  show([{ key: 1, text: "a" }, { key: 2, text: "b" }, { key: 3, text: "c" }]);
  const [one, , three] = parent.children;
  show([{ key: 3, text: "C" }, { key: 4, text: "d" }, { key: 1, text: "A" }]);
  assert.deepEqual(made, [1, 2, 3, 4]);
  assert.equal(parent.textContent, "CdA");
  assert.deepEqual([parent.children[0] === three, parent.children[2] === one], [true, true]);
  for (const child of parent.children) child.remove = () => assert.fail("what stays is not taken out");
  show([{ key: 3, text: "C" }, { key: 4, text: "D" }, { key: 1, text: "A" }]);
  assert.equal(parent.textContent, "CDA");
  for (const child of parent.children) delete child.remove;
  show([]);
  assert.equal(parent.childElementCount, 0);
});

test("a bubble lies beside its mark: to the right, else to the left, else above, else below", () => {
  const at = (left, top, width, height) => placeBubble({ left, top, width, height }, BUBBLE, ROOM);
  assert.deepEqual(at(100, 200, 300, 100), { left: 412, top: 200 });
  assert.deepEqual(at(600, 200, 300, 100), { left: 388, top: 200 });
  assert.deepEqual(at(0, 300, 1000, 100), { left: 400, top: 188 });
  assert.deepEqual(at(0, 50, 1000, 100), { left: 400, top: 162 });
});

test("a bubble does not leave the room", () => {
  for (const mark of [[0, 0, 1000, 600], [990, 590, 10, 10], [0, 590, 5, 10], [0, 0, 5, 5]]) {
    const [left, top, width, height] = mark;
    const placed = placeBubble({ left, top, width, height }, BUBBLE, ROOM);
    assert.ok(placed.left >= 8 && placed.left + BUBBLE.width <= ROOM.width - 8, `${mark}`);
    assert.ok(placed.top >= 8 && placed.top + BUBBLE.height <= ROOM.height - 8, `${mark}`);
  }
});

function boxes() {
  const { element, mutated } = page();
  const root = element("div");
  const box = element("div");
  box.className = "widget-box";
  root.append(box);
  return { box, element, mutated, root };
}

// What `querySelector` is asked for has `:empty` and a child, which the page of these tests lacks.
function unmade(root) {
  let places = 2;
  root.querySelector = (selector) => {
    assert.equal(selector, '.widget-box > [class="lm-Widget"]:empty');
    return places ? {} : null;
  };
  return () => { places -= 1; };
}

test("all is made once no box holds an empty place, and that is told once", () => {
  const { mutated, root } = boxes();
  const made = unmade(root);
  let told = 0;
  whenMade(root, new AbortController().signal, () => { told += 1; });
  mutated();
  made();
  mutated();
  assert.equal(told, 0);
  made();
  mutated();
  mutated();
  assert.equal(told, 1);
});

test("where all is made from the beginning it is told at once", () => {
  const { root } = boxes();
  root.querySelector = () => null;
  let told = 0;
  whenMade(root, new AbortController().signal, () => { told += 1; });
  assert.equal(told, 1);
});

test("a page that goes before all is made tells nothing", () => {
  const { mutated, root } = boxes();
  const made = unmade(root);
  const stop = new AbortController();
  let told = 0;
  whenMade(root, stop.signal, () => { told += 1; });
  stop.abort();
  made();
  made();
  mutated();
  assert.equal(told, 0);
});

test("a picture that the dashboard left in the notebook is known by its mark", () => {
  const png = btoa("\x89PNG crmasks-still 12ab \0 and so on");
  assert.equal(isStill(png), true);
  assert.equal(isStill(`${png.slice(0, 8)}\n${png.slice(8)}`), true);
  assert.equal(isStill(png, "crmasks-still 99"), false);
  assert.equal(isStill(btoa("\x89PNG another picture")), false);
});

test("bars of JupyterLab that are open are closed, and no others", () => {
  page();
  const done = [];
  const bar = (hidden) => ({ classList: { contains: () => hidden } });
  document.querySelector = (selector) => bar(selector.includes("right"));
  window.jupyterapp = { commands: { isToggled: () => true, execute: (...command) => done.push(command) } };
  foldFrame();
  assert.deepEqual(done, [
    ["application:toggle-header"], ["application:toggle-side-tabbar", { side: "left" }],
  ]);
  delete window.jupyterapp;
  foldFrame(); // Voila: there is nothing to fold
  assert.equal(done.length, 2);
});

test("a visit is remembered on this page where the browser keeps nothing", () => {
  page();
  rememberVisit();
  assert.equal(window.crmasksVisited, true);
});

// A dashboard with one plot of 200 × 100 pixels.
function connected() {
  const { element } = page();
  const root = element("div");
  root.className = "crmasks-dashboard";
  const plot = element("div");
  plot.className = "crmasks-plot crmasks-plot-image";
  Object.assign(plot.box, { left: 100, top: 50, width: 200, height: 100 });
  const field = element("input");
  field.type = "text";
  root.append(plot, field);
  // Selectors with `:not` and `>` are for what this page does not have.
  field.matches = (selector) => selector.startsWith("input");
  const all = root.querySelectorAll.bind(root);
  root.querySelectorAll = (selector) => (selector.includes(":") ? [] : all(selector));
  root.querySelector = () => null;
  const model = fakeModel({ sizes: {}, wheel: {} });
  const stop = new AbortController();
  connect(model, root, stop.signal);
  model.sent.length = 0;
  const keys = () => model.sent.filter(({ event }) => event === "key").map(({ key }) => key);
  return { field, keys, model, plot, root };
}

test("a place in a plot is a part of its width and height, from its lower left corner", () => {
  const { plot, root } = connected();
  assert.deepEqual(position({ target: plot, clientX: 150, clientY: 125 }), { plot: "image", x: 0.25, y: 0.25 });
  assert.equal(position({ target: plot, clientX: 99, clientY: 125 }), null);
  assert.equal(position({ target: root, clientX: 150, clientY: 125 }), null);
});

test("keys go to the dashboard and to nobody else", () => {
  const { keys, root } = connected();
  const event = root.fire("keydown", { key: "y" });
  assert.deepEqual([keys(), event.stopped, event.defaultPrevented], [["y"], true, true]);
  const undo = root.fire("keydown", { key: "z", ctrlKey: true });
  assert.deepEqual([keys(), undo.defaultPrevented], [["y", "z"], true]);
});

test("Caps Lock makes no other keys of letters", () => {
  const { keys, root } = connected();
  const press = (key, shiftKey, locked) =>
    root.fire("keydown", { key, shiftKey, getModifierState: (name) => locked && name === "CapsLock" });
  for (const key of ["N", "+", "ArrowLeft"]) press(key, false, true);
  for (const key of ["n", "?"]) press(key, true, true);
  press("N", true, false);
  press("n", false, false);
  assert.deepEqual(keys(), ["n", "+", "ArrowLeft", "N", "?", "N", "n"]);
});

test("keys wait for the next session, and are for this one where none comes", () => {
  const { keys, model, root } = connected();
  const traits = { methods: [], pages: [], detectors: ["a", "b"], detector: "a", found: {}, fraction: 0 };
  const bar = fakeModel(traits);
  const el = make("div");
  root.append(el);
  topbar.render({ model: bar, el });
  // Where the bar hears that a detector cannot be shown, and where the page hears that none waits.
  for (const heard of [bar, model]) {
    model.sent.length = 0;
    waitForNext(root);
    root.fire("keydown", { key: "y" });
    assert.deepEqual([keys(), root.getAttribute("aria-busy")], [[], "true"]);
    heard.heard("msg:custom", { event: "stays" });
    assert.deepEqual([keys(), root.getAttribute("aria-busy")], [["y"], null]);
    root.fire("keydown", { key: "n" });
    assert.deepEqual(keys(), ["y", "n"]);
  }
});

test("keys of the browser and what is typed stay where they are", () => {
  const { field, keys, root } = connected();
  assert.equal(field.fire("keydown", { key: "y" }).stopped, false);
  for (const given of [{ key: "c", ctrlKey: true }, { key: "y", altKey: true }]) {
    assert.equal(root.fire("keydown", given).defaultPrevented, false);
  }
  assert.deepEqual(keys(), []);
});

test("a click tells its place, and the end of a drag does not", () => {
  const { model, plot } = connected();
  const clicks = () => model.sent.filter(({ event }) => event === "click");
  plot.fire("pointerdown", { clientX: 150, clientY: 125 });
  plot.fire("pointerup", { clientX: 152, clientY: 125 });
  assert.deepEqual(clicks(), [{ event: "click", plot: "image", x: 0.26, y: 0.25 }]);
  plot.fire("pointerdown", { clientX: 150, clientY: 125 });
  plot.fire("pointerup", { clientX: 170, clientY: 125 });
  assert.equal(clicks().length, 1);
});

test("the wheel over a plot is told as a sum, of which no turn is lost", () => {
  const { model, plot, root } = connected();
  plot.fire("wheel", { clientX: 150, clientY: 125, deltaY: 3 });
  const event = plot.fire("wheel", { clientX: 150, clientY: 125, deltaY: 4 });
  assert.equal(model.traits.wheel.total, 7);
  assert.equal(event.defaultPrevented, true);
  assert.equal(root.fire("wheel", { clientX: 5, clientY: 5, deltaY: 4 }).defaultPrevented, false);
});
