import assert from "node:assert/strict";
import test from "node:test";

import { load } from "./load.mjs";
import { fakeModel, page } from "./page.mjs";

const { LevelsView, outline, placed, stepOf, ticksOf, written } = await load("image-levels", "LevelsView");

const STATE = {
  title: "Median", unit: "ADU", range: [0, 1000], limits: [100, 300], counts: [1, 10, 100, 0], answered: 0,
  message: "", kind: "zscale", kinds: [["zscale", "z"], ["manual", "m"]], stretches: ["linear", "log"],
  stretch: "linear", ramp: ["#000", "#fff"], maps: ["grey", "viridis"], colours: "grey",
};

function opened(state = {}) {
  const { element } = page();
  const model = fakeModel({ state: { ...STATE, ...state } });
  const el = element("div");
  const view = new LevelsView(model, el);
  Object.assign(view.plot.box, { left: 10, width: 500 });
  return { model, el, view };
}

test("a limit stays inside the range and off the other one by a thousandth of it", () => {
  assert.deepEqual(placed([10, 20], [0, 100], "low", 15), [15, 20]);
  assert.deepEqual(placed([10, 20], [0, 100], "low", -5), [0, 20]);
  assert.deepEqual(placed([10, 20], [0, 100], "low", 50), [19.9, 20]);
  assert.deepEqual(placed([10, 20], [0, 100], "high", 500), [10, 100]);
  assert.deepEqual(placed([10, 20], [0, 100], "high", 5), [10, 10.1]);
});

test("arrows move a limit by a 200th of the range, with Shift and by pages by ten of these", () => {
  assert.equal(stepOf("ArrowLeft", false, [100, 300]), -1);
  assert.equal(stepOf("ArrowUp", false, [100, 300]), 1);
  assert.equal(stepOf("ArrowRight", true, [100, 300]), 10);
  assert.equal(stepOf("PageDown", false, [100, 300]), -10);
  assert.equal(stepOf("a", false, [100, 300]), null);
  assert.equal(stepOf("Home", false, [100, 300]), null);
});

test("numbers are exact to a thousandth of the range", () => {
  assert.equal(written(123.456, [0, 1000]), "123");
  assert.equal(written(123.456, [0, 100]), "123.5");
  assert.equal(written(0.123456, [0, 1]), "0.123");
  assert.equal(written(-5, [-1e5, 1e5]), "-5");
});

test("ticks are round numbers inside the range, at most as many as asked for and one", () => {
  assert.deepEqual(ticksOf([0, 1000]), { values: [0, 200, 400, 600, 800, 1000], decimals: 0 });
  const { values, decimals } = ticksOf([0.13, 0.52]);
  assert.deepEqual(values.map((value) => value.toFixed(decimals)), ["0.2", "0.3", "0.4", "0.5"]);
  assert.deepEqual(ticksOf([-30, 30]).values.map((value) => value + 0), [-20, 0, 20]);
  assert.equal(ticksOf([0, 7e-5]).decimals, 5);
});

test("bars are drawn on a logarithmic axis: none at the foot, the most at the top", () => {
  const path = outline([0, 99, 9]);
  assert.ok(path.startsWith("M0 84L0.0 84.0L85.3 84.0L85.3 0.0L170.7 0.0"));
  const [, last] = /L256\.0 ([\d.]+)L256 84Z$/.exec(path);
  assert.equal(Number(last), 42); // log 10 is half of log 100
});

test("handles lie at the limits, with their values for a screen reader", () => {
  const { view } = opened();
  assert.equal(view.handles.low.style.left, "10%");
  assert.equal(view.handles.high.style.left, "30%");
  assert.equal(view.handles.low.getAttribute("aria-valuenow"), "100");
  assert.equal(view.handles.high.getAttribute("aria-valuetext"), "300 ADU");
  assert.equal(view.fields.high.value, "300");
});

test("a press between the handles brings the nearer one", () => {
  const { view, model } = opened();
  view.plot.fire("pointerdown", { clientX: 10 + 125, target: view.plot });
  assert.deepEqual([model.traits.moved.low, model.traits.moved.high], [100, 250]);
  assert.equal(view.handles.high.style.left, "25%");
});

test("a handle that is grasped beside its middle does not jump, and follows the hand", () => {
  const { view, model } = opened();
  view.plot.fire("pointerdown", { clientX: 10 + 53, target: view.handles.low });
  assert.equal(model.traits.moved, undefined);
  view.plot.fire("pointermove", { clientX: 10 + 78, buttons: 1 });
  assert.deepEqual([model.traits.moved.low, model.traits.moved.high], [150, 300]);
  view.plot.fire("pointerup");
  view.plot.fire("pointermove", { clientX: 10 + 150, buttons: 1 });
  assert.equal(model.traits.moved.low, 150);
});

test("what the hand does is kept until the kernel has answered all of it", () => {
  const { view, model } = opened();
  view.handles.low.fire("keydown", { key: "ArrowRight" });
  view.handles.low.fire("keydown", { key: "ArrowRight" });
  view.handles.low.fire("keyup");
  assert.equal(view.handles.low.style.left, "11%");
  model.told({ state: { ...STATE, answered: model.traits.moved.count - 1, limits: [105, 300] } });
  assert.equal(view.handles.low.style.left, "11%");
  model.told({ state: { ...STATE, answered: model.traits.moved.count, limits: [120, 300] } });
  assert.equal(view.handles.low.style.left, "12%");
});

test("Home and End put a limit as far as it goes", () => {
  const { view, model } = opened();
  view.handles.high.fire("keydown", { key: "End" });
  assert.equal(model.traits.moved.high, 1000);
  view.handles.high.fire("keydown", { key: "Home" });
  assert.equal(model.traits.moved.high, 101);
});

test("what is typed and is no limit is said beside its field and changes nothing", () => {
  for (const [side, text, expected] of [
    ["low", "abc", "Low limit: found abc, expected a number"],
    ["low", "  ", "Low limit: found nothing, expected a number"],
    ["low", "300", "Low limit: found 300, expected less than 300"],
    ["high", "99", "High limit: found 99, expected more than 100"],
  ]) {
    const { view, model } = opened();
    view.fields[side].value = text;
    view.fields[side].fire("change");
    assert.equal(view.message.textContent, expected);
    assert.equal(view.fields[side].getAttribute("aria-invalid"), "true");
    assert.equal(view.fields[side].value, text);
    assert.deepEqual([model.sent, model.traits.moved], [[], undefined]);
  }
});

test("a limit that is typed may lie beyond what the histogram shows", () => {
  const { view } = opened();
  view.fields.high.value = "5000";
  view.fields.high.fire("change");
  assert.deepEqual(view.limits, [100, 5000]);
  assert.equal(view.message.textContent, "");
  assert.equal(view.handles.high.style.left, "100%");
});

test("a kind, a stretch or colours that are chosen are asked for, and Escape closes", () => {
  const { el, view, model } = opened();
  view.kinds.children[1].click();
  view.stretches.children[1].click();
  view.colours.value = "viridis";
  view.colours.fire("change");
  assert.deepEqual(
    model.sent.map(({ set }) => set), [{ limits: "manual" }, { stretch: "log" }, { colours: "viridis" }],
  );
  assert.equal(el.fire("keydown", { key: "Escape" }).stopped, true);
  assert.deepEqual(model.sent.at(-1), { close: true });
});
