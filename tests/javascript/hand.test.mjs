import assert from "node:assert/strict";
import test from "node:test";

import { load } from "./load.mjs";
import { fakeModel, page } from "./page.mjs";

const { Crowd, HandView, exactForm } = await load("diagram-hand", "Crowd", "HandView", "exactForm");

const AXIS = { kind: "linear", softening: 1, name: "median", unit: "ADU" };
const POINTS = [[0, 20, 1], [50, 20, 1], [100, 20, 1]];
const SCENE = { fit: "piecewise", movable: true, points: POINTS, curve: null, settled: true, hidden: [] };

const bytesOf = (...numbers) => new DataView(Float32Array.from(numbers).buffer);

// A panel of 200 × 100 pixels over values from 0 to 100 on both axes; candidates at (25, 10), (25, 30)
// and (75, 60).
function opened(scene = {}) {
  const { element, frame } = page();
  const [dashboard, plot, el] = ["crmasks-dashboard", "crmasks-plot", "hand"].map((name) => {
    const made = element("div");
    made.className = name;
    return made;
  });
  dashboard.append(plot);
  plot.append(el);
  const model = fakeModel({
    scene: { ...SCENE, ...scene }, axes: { x: AXIS, y: { ...AXIS, name: "excess" } }, stamps: {},
    legend: [], active: true, ratio: 1, answered: "", combine: { 0: 2 },
    places: bytesOf(25, 25, 75, 10, 30, 60), others: new DataView(new ArrayBuffer(3)),
    rest: new DataView(new ArrayBuffer(0)),
  });
  const scale = () => fakeModel({ min: 0, max: 100 });
  const stop = new AbortController();
  const view = new HandView(model, el, { x: scale(), y: scale() });
  Object.assign(el, { clientWidth: 200, clientHeight: 100, box: { left: 0, top: 0, width: 200, height: 100 } });
  view.connect(plot, stop.signal);
  frame();
  // A pointer at values of the axes.
  const at = (x, y) => ({ clientX: 2 * x, clientY: 100 - y });
  const events = () => model.sent.map(({ event }) => event);
  return { at, dashboard, el, events, frame, model, stop, view };
}

test("the line goes through its points, drawn for the size of the panel", () => {
  const { view } = opened();
  assert.equal(view.lineAt(30), 20);
  assert.match(view.line.getAttribute("d"), /^M0\.0 80\.0L/);
  assert.equal(view.points.children[1].getAttribute("transform"), "translate(100,80)");
});

test("the line is grasped where it is, and a point is born there once the hand moves", () => {
  const { at, events, frame, model, view } = opened();
  view.grip.fire("pointerdown", at(25, 20));
  view.grip.fire("pointermove", { ...at(25, 20), clientX: 52 });
  assert.deepEqual([events(), view.shownPoints.length], [[], 3]);
  view.grip.fire("pointermove", at(25, 50));
  assert.deepEqual(events(), ["grasp"]);
  assert.deepEqual(view.shownPoints.at(-1).slice(0, 2), [25, 50]);
  assert.deepEqual([model.traits.moved.x, model.traits.moved.y], [25, 50]);
  frame();
  assert.equal(view.lineAt(25), 50);
  view.grip.fire("pointerup", at(25, 50));
  assert.deepEqual(events(), ["grasp", "drop"]);
  assert.deepEqual(new Set(model.sent.map(({ gesture }) => gesture)).size, 1);
});

test("under the hand, candidates above the line are counted and told to the page", () => {
  const { at, dashboard, frame, view } = opened();
  const told = [];
  dashboard.addEventListener("crmasks-above", ({ detail }) => told.push(detail.above));
  view.grip.fire("pointerdown", at(25, 20));
  view.grip.fire("pointermove", at(25, 35)); // over (25, 30)
  frame();
  view.grip.fire("pointermove", at(25, 25)); // under it again
  frame();
  assert.deepEqual(told, [1, 2]);
  assert.equal(view.readout.textContent, "25.0, 25.0 ADU · 2 above the line");
});

test("a point that is dragged goes where the hand is until the kernel has answered, and no further", () => {
  const { at, frame, model, view } = opened();
  const node = view.points.children[1];
  node.className = "point";
  node.dataset.index = 1;
  node.fire("pointerdown", at(50, 20));
  node.fire("pointermove", at(60, 40));
  node.fire("pointerup", at(60, 40));
  assert.deepEqual(view.shownPoints[1], [60, 40, 1]);
  model.told({ answered: "another" });
  assert.deepEqual(view.shownPoints[1], [60, 40, 1]);
  const points = [POINTS[0], [61, 41, 1], POINTS[2]];
  model.told({ scene: { ...SCENE, points }, answered: model.sent[0].gesture });
  frame();
  assert.deepEqual(view.shownPoints[1], [61, 41, 1]);
  assert.equal(view.held, null);
});

test("a hand that leaves the panel holds a point at its edge", () => {
  const { at, view } = opened();
  view.grip.fire("pointerdown", at(25, 20));
  view.grip.fire("pointermove", { clientX: 900, clientY: -50 });
  assert.deepEqual(view.shownPoints.at(-1).slice(0, 2), [100, 100]);
});

test("a click on a point opens its numbers; a tremble of the hand is no drag", () => {
  const { at, el, events, view } = opened();
  const node = view.points.children[2];
  node.className = "point";
  node.dataset.index = 2;
  node.fire("pointerdown", at(100, 20));
  node.fire("pointermove", { ...at(100, 20), clientX: 202 });
  node.fire("pointerup", at(100, 20));
  assert.deepEqual(events(), []);
  const values = [...el.querySelectorAll("input")].map(({ value }) => Number(value));
  assert.deepEqual(values, [100, 20, 1]);
});

test("another button than the first, and a diagram that is not active, hold nothing", () => {
  const { at, events, model, view } = opened();
  view.grip.fire("pointerdown", { ...at(25, 20), button: 2 });
  view.grip.fire("pointermove", at(25, 50));
  model.told({ active: false });
  view.grip.fire("pointerdown", at(25, 20));
  view.grip.fire("pointermove", at(25, 50));
  assert.deepEqual([events(), view.drag], [[], null]);
});

test("Delete removes the point under the pointer, and nothing where there is none", () => {
  const { at, dashboard, events, view } = opened();
  assert.equal(dashboard.fire("keydown", { key: "Delete" }).defaultPrevented, false);
  const node = view.points.children[1];
  node.className = "point";
  node.dataset.index = 1;
  node.fire("pointermove", at(50, 20));
  for (const name of ["a", "Delete", "Delete"]) view.plot.fire("keydown", { key: name });
  assert.deepEqual(events(), ["remove"]);
});

test("the readout says what is under the pointer, in the words and the unit of the axes", () => {
  const { at, frame, view } = opened();
  view.el.fire("pointermove", at(75, 60));
  frame();
  assert.equal(view.readout.textContent, "median 75.0 · excess 60.0 · line 20.0 ADU");
});

test("a diagram that is closed listens to nothing", () => {
  const { model, stop } = opened();
  assert.ok(model.listening > 0);
  stop.abort();
  assert.equal(model.listening, 0);
});

test("candidates are known once places and codes are of equal number, and forgotten when others come", () => {
  page();
  const canvas = document.createElement("div");
  const model = fakeModel({ stamps: {}, places: bytesOf(1, 2), others: new DataView(new ArrayBuffer(0)) });
  const crowd = new Crowd(model, canvas);
  assert.equal(crowd.known(), null);
  model.told({ others: new DataView(Uint8Array.of(3).buffer), rest: new DataView(new ArrayBuffer(0)) });
  assert.deepEqual([...crowd.known().code], [3]);
  crowd.forget();
  model.told({ others: new DataView(Uint8Array.of(4).buffer) });
  assert.deepEqual([...crowd.known().code], [4]);
});

function exact() {
  const { element } = page();
  const said = [];
  const form = exactForm(element("div"), 2, [1, 2, 3], "ADU", (what) => said.push(what), () => said.push("left"));
  const fields = form.querySelectorAll("input");
  const submit = () => form.fire("submit");
  return { fields, form, said, submit };
}

test("exact numbers are taken as typed, also with the minus of a printed text", () => {
  const { fields, said, submit } = exact();
  assert.equal(document.activeElement, fields[1]);
  fields[0].value = " 12.5";
  fields[1].value = "\u22123e2";
  assert.equal(submit().defaultPrevented, true);
  assert.deepEqual(said, [{ event: "exact", point: [12.5, -300, 3] }]);
});

test("what is no number is said at its field, and nothing is done", () => {
  for (const [text, at] of [["abc", 0], ["", 1], ["Infinity", 2], ["1,5", 1]]) {
    const { fields, said, submit } = exact();
    fields[at].value = text;
    submit();
    assert.deepEqual(fields.map((field) => field.validity), [0, 1, 2].map((i) => (i === at ? "a number" : "")));
    assert.deepEqual(said, []);
  }
});

test("Escape leaves a point as it was, and its button removes it", () => {
  const { fields, form, said } = exact();
  assert.equal(fields[0].fire("keydown", { key: "Escape" }).stopped, true);
  form.querySelectorAll("button")[0].click();
  assert.deepEqual(said, ["left", { event: "remove" }]);
});
