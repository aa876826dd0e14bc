import assert from "node:assert/strict";
import test from "node:test";

import { load } from "./load.mjs";
import { fakeModel, page } from "./page.mjs";

const { at, corner, default: widget, layout, namesOf, visible } = await load("hits-gallery");

const overlap = (one, other, { width, height }) =>
  one.x < other.x + width && other.x < one.x + width && one.y < other.y + height && other.y < one.y + height;

test("cards fill the width, lie side by side and do not overlap", () => {
  for (const width of [200, 333, 700, 1500]) {
    for (const panels of [5, 8]) {
      const grid = layout(width, 300, panels, 20);
      const corners = Array.from({ length: 20 }, (_, i) => corner(grid, i));
      corners.forEach((one, i) => {
        assert.ok(one.x >= 0 && one.x + grid.width <= Math.max(width, 60), `${width}: card ${i}`);
        for (const other of corners.slice(0, i)) assert.ok(!overlap(one, other, grid));
      });
      assert.ok(corners.at(-1).y + grid.height <= grid.total);
    }
  }
});

test("few hits are shown as large as lets all be seen at once, many as small as is legible", () => {
  const [few, many] = [layout(900, 400, 5, 4), layout(900, 400, 5, 400)];
  assert.ok(few.total <= 400);
  assert.ok(few.stamp > many.stamp);
  assert.ok(many.stamp >= 40);
  assert.ok(many.total > 400);
  assert.ok(few.columns < many.columns);
  assert.equal(layout(900, 4000, 5, 1).stamp, 88); // never larger
});

test("the cards of a part of the height are all that show in it", () => {
  const grid = layout(700, 300, 5, 1000);
  for (const top of [0, 17, 500, 12345]) {
    const [first, last] = visible(grid, top, 300, 1000);
    for (let i = 0; i < 1000; i += 1) {
      const { y } = corner(grid, i);
      const seen = y + grid.height > top && y < top + 300;
      if (seen) assert.ok(i >= first && i < last, `card ${i} at ${top}`);
    }
    assert.ok(last - first <= grid.columns * (Math.ceil(300 / grid.height) + 2));
  }
  assert.deepEqual(visible(grid, 1e6, 300, 1000), [1000, 1000]);
});

test("a point is on the card that lies there, and between cards on none", () => {
  const grid = layout(700, 300, 5, 30);
  for (const position of [0, 1, 7, 29]) {
    const { x, y } = corner(grid, position);
    assert.deepEqual(at(grid, x + 1, y + grid.height - 1, 30), { position, verdict: "" });
    assert.equal(at(grid, x + 1, y + grid.height + 2, 30), null);
    assert.equal(at(grid, x + grid.width + 2, y + 1, 30), null);
  }
  assert.equal(at(grid, 10, corner(grid, 30).y + 5, 30), null); // after the last
  assert.equal(at(grid, 1, 1, 30), null);
});

test("a verdict is where its button is drawn: confirm, then reject, at the right of the head", () => {
  const grid = layout(700, 300, 5, 30);
  const { x, y } = corner(grid, 3);
  const right = x + grid.width - 3; // inset
  const verdict = (left, down = 11) => at(grid, left, y + down, 30).verdict;
  assert.equal(verdict(right - 10), "rejected");
  assert.equal(verdict(right - 33), "confirmed");
  assert.equal(verdict(right - 21.5), ""); // between the two
  assert.equal(verdict(right - 60), "");
  assert.equal(verdict(right - 10, 40), ""); // on the stamps
});

test("stamps have the names of the exposures, then median and corrected, short where there is no room", () => {
  assert.deepEqual(namesOf(5, 60), ["1", "2", "3", "median", "corrected"]);
  assert.deepEqual(namesOf(4, 40), ["1", "2", "med.", "corr."]);
});

function opened(count, selected = -1) {
  const { element, frame, resized } = page();
  const el = element("div");
  const palette = new DataView(Uint8Array.from({ length: 1024 }, (_, i) => i % 256).buffer);
  const model = fakeModel({ panels: 5, count, selected, spoken: "", palette });
  const stop = widget.render({ model, el });
  const scroller = el.querySelector(".crmasks-gallery");
  Object.assign(scroller, { clientWidth: 700, clientHeight: 300 });
  resized();
  frame();
  const windows = () => model.sent.filter(({ event }) => event === "window").map(({ first, last }) => [first, last]);
  const card = { name: "1", kind: "hit", tone: "red", strength: "9 σ", place: "3, 4", verdict: "undecided", side: 2 };
  // What the kernel says to a window that was asked for.
  const answer = ([first, last], more = {}) => {
    const cards = Array.from({ length: last - first }, (_, i) => ({ ...card, at: 1000 + first + i, ...more }));
    model.heard("msg:custom", { event: "cards", first, cards }, [new DataView(new ArrayBuffer(20 * cards.length))]);
  };
  return { answer, el, frame, model, scroller, stop, windows };
}

test("cards are asked for a screen ahead, and not again while they are on their way or there", () => {
  const { answer, el, frame, scroller, windows } = opened(10000);
  const [[first, last]] = windows();
  assert.equal(windows().length, 1);
  assert.equal(first, 0);
  const shown = last / 2;
  assert.ok(shown > 4 && shown < 60);
  scroller.fire("scroll");
  assert.equal(windows().length, 1);
  answer(windows()[0]);
  scroller.scrollTop = 40;
  scroller.fire("scroll");
  frame();
  assert.equal(windows().length, 1);
  assert.equal(el.dataset.drawn.split(" ")[2], String(last));
});

test("of ten thousand hits only cards near the screen are kept", () => {
  const { answer, el, frame, scroller, windows } = opened(10000);
  for (let i = 0; i < 60; i += 1) {
    scroller.scrollTop = 2000 * i;
    scroller.fire("scroll");
    answer(windows().at(-1));
    frame();
  }
  assert.ok(windows().length >= 60);
  const [first, last, kept] = el.dataset.drawn.split(" ").map(Number);
  assert.ok(kept >= last - first && kept < 200, `${kept} cards`);
});

test("a selected card is brought on screen by as little as needed", () => {
  const { model, scroller } = opened(500);
  model.told({ selected: 100 });
  const low = scroller.scrollTop;
  assert.ok(low > 0);
  model.told({ selected: 101 - (101 % 2) });
  model.told({ selected: 99 });
  assert.ok(scroller.scrollTop <= low);
  model.told({ selected: 0 });
  assert.equal(scroller.scrollTop, 0);
});

test("other hits without a selected one are shown from the first", () => {
  const { model, scroller } = opened(500);
  scroller.scrollTop = 900;
  model.told({ count: 20 });
  assert.equal(scroller.scrollTop, 0);
});

test("where there is no hit it is said, and nothing is asked for", () => {
  const { el, model, windows } = opened(0);
  assert.equal(el.querySelector(".crmasks-gallery-empty").hidden, false);
  assert.deepEqual(windows(), []);
  model.told({ count: 3 });
  assert.equal(el.querySelector(".crmasks-gallery-empty").hidden, true);
  assert.deepEqual(windows().at(-1), [0, 3]);
});

test("a click means the hit that is seen; a verdict that it has already is taken back", () => {
  const { answer, model, scroller, windows } = opened(500);
  const click = (x, y, given) => {
    scroller.fire("click", { clientX: x, clientY: y, ...given });
    return model.sent.at(-1);
  };
  const before = model.sent.length;
  const grid = layout(700, 300, 5, 500);
  const [{ x, y }, right] = [corner(grid, 1), corner(grid, 1).x + grid.width - 3];
  click(x + 5, y + 5);
  assert.equal(model.sent.length, before); // not there yet
  answer(windows()[0]);
  const plain = { event: "pick", at: 1001, more: false, up_to: false };
  assert.deepEqual(click(x + 5, y + 5), plain);
  assert.deepEqual(click(x + 5, y + 5, { ctrlKey: true, shiftKey: true }), { ...plain, more: true, up_to: true });
  assert.deepEqual(click(right - 10, y + 11), { event: "judge", at: 1001, verdict: "rejected" });
  answer(windows()[0], { verdict: "rejected" });
  assert.deepEqual(click(right - 10, y + 11), { event: "judge", at: 1001, verdict: "undecided" });
  assert.deepEqual(click(right - 33, y + 11), { event: "judge", at: 1001, verdict: "confirmed" });
});

test("arrows go along the cards as they lie; with Ctrl they are the browser's", () => {
  const { model, scroller } = opened(500, 0);
  const pressed = (key, given) => {
    const before = model.sent.length;
    const event = scroller.fire("keydown", { key, ...given });
    return { event, sent: model.sent.slice(before) };
  };
  assert.equal(pressed("ArrowRight").sent[0].by, 1);
  assert.ok(pressed("ArrowDown").sent[0].by > 1);
  assert.equal(pressed("Home").sent[0].by, -500);
  assert.equal(pressed("ArrowRight").event.stopped, true);
  for (const key of ["y", "Escape"]) assert.deepEqual(pressed(key).sent, []);
  const { event, sent } = pressed("ArrowDown", { ctrlKey: true });
  assert.deepEqual([sent, event.defaultPrevented], [[], false]);
});

test("a gallery that is closed listens to nothing", () => {
  const { model, stop } = opened(10);
  assert.ok(model.listening > 0);
  stop();
  assert.equal(model.listening, 0);
});
