import assert from "node:assert/strict";
import test from "node:test";

import { load } from "./load.mjs";
import { fakeModel, page } from "./page.mjs";

const { OverView } = await load("image-over", "OverView");

const KINDS = [["regions_to_be_skipped", "skipped"], ["mm_crosscorr_region", "cross-correlation"]];
const REGION = { kind: "regions_to_be_skipped", index: 0, box: [10, 20, 10, 20], label: "skipped" };

// An image of 100 × 100 pixels, each 4 × 4 of the screen.
function opened(active = true, hits = []) {
  const { element } = page();
  const el = element("div");
  Object.assign(el, { clientWidth: 400, clientHeight: 400 });
  const model = fakeModel({
    active, answered: 0, colours: ["black", "white"], kinds: KINDS, regions: [REGION], shape: [100, 100],
    hits: new DataView(Float32Array.from(hits).buffer),
  });
  const scale = () => fakeModel({ min: 0.5, max: 100.5 });
  const view = new OverView(model, el, { x: scale(), y: scale() });
  view.connect(new AbortController().signal);
  const at = (x, y) => ({ clientX: 4 * (x - 0.5), clientY: 4 * (100.5 - y) });
  const group = () => view.svg.children[0];
  const boxes = () => view.regions.map(({ box }) => box);
  return { at, boxes, el, group, model, view };
}

test("a region is drawn around its pixels", () => {
  const line = opened().group().querySelector(".line");
  const read = ["x", "y", "width", "height"].map((name) => Number(line.getAttribute(name)));
  assert.deepEqual(read, [36, 320, 44, 44]); // from 9.5 to 20.5, four pixels of the screen each
});

test("a region follows the hand and stays where it lets go until the kernel has answered", () => {
  const { at, boxes, group, model } = opened();
  group().fire("pointerdown", at(15, 15));
  group().fire("pointermove", at(25, 12));
  assert.deepEqual(boxes(), [[20, 30, 7, 17]]);
  group().fire("pointerup");
  assert.deepEqual(boxes(), [[20, 30, 7, 17]]);
  const { box, count } = model.sent[0];
  assert.deepEqual(box, [20, 30, 7, 17]);
  model.told({ regions: [{ ...REGION, box: [21, 31, 7, 17] }], answered: count });
  assert.deepEqual(boxes(), [[21, 31, 7, 17]]);
});

test("a region that is grasped by a handle changes its edges", () => {
  const { at, boxes, group } = opened();
  group().fire("pointerdown", at(15, 15));
  group().fire("pointerup");
  const handle = group().querySelectorAll(".handle").find((each) => each.dataset.part === "ne");
  handle.fire("pointerdown", at(20, 20));
  handle.fire("pointermove", at(24, 23));
  assert.deepEqual(boxes(), [[10, 24, 10, 23]]);
});

test("a new region begins once the hand has gone three pixels, and is given up when it is cancelled", () => {
  const { at, boxes, el } = opened();
  el.fire("pointerdown", at(50, 50));
  el.fire("pointermove", { clientX: at(50, 50).clientX + 2, clientY: at(50, 50).clientY });
  assert.equal(boxes().length, 1);
  el.fire("pointermove", at(60, 40));
  assert.deepEqual(boxes()[1], [50, 60, 40, 50]);
  el.fire("pointercancel");
  assert.equal(boxes().length, 1);
});

test("without its tool a region takes neither pointer nor keys", () => {
  const { at, boxes, group, model } = opened(false);
  group().fire("pointerdown", at(15, 15));
  group().fire("pointermove", at(25, 12));
  const event = group().fire("keydown", { key: "Delete" });
  assert.deepEqual([boxes(), model.sent, event.defaultPrevented], [[REGION.box], [], false]);
});

test("arrows move the chosen region, with Shift its upper right corner; Delete removes it", () => {
  const { at, boxes, group, model } = opened();
  group().fire("pointerdown", at(15, 15));
  group().fire("pointerup");
  const press = (key, shiftKey = false) => {
    const event = group().fire("keydown", { key, shiftKey });
    model.told({ regions: boxes().map((box) => ({ ...REGION, box })), answered: model.sent.length });
    return event;
  };
  press("ArrowRight");
  assert.deepEqual(boxes(), [[11, 21, 10, 20]]);
  press("ArrowUp", true);
  assert.deepEqual(boxes(), [[11, 21, 10, 21]]);
  assert.equal(press("a").stopped, false);
  assert.equal(press("Delete").stopped, true);
  assert.deepEqual(boxes(), []);
});

test("rings are counted that are in sight, also those of which only the rim is", () => {
  const { el } = opened(true, [50, 50, 1, 101, 50, 1, 130, 50, 1]);
  assert.equal(el.dataset.rings, "2");
});
