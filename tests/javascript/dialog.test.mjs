import assert from "node:assert/strict";
import test from "node:test";

import { load } from "./load.mjs";
import { page } from "./page.mjs";

const { Chosen, Offered, Proposed } = await load("opening-dialog", "Chosen", "Offered", "Proposed");

const GAIN = {
  name: "gain", words: "gain", unit: "e/ADU", value: "1.5", differs: "", missing: false, certain: true,
  fixed: false, origin: "header GAIN",
};
const NOISE = { ...GAIN, name: "rnoise", words: "readout noise", value: "3.4" };

function proposed() {
  page();
  const given = [];
  const made = new Proposed((typed) => given.push(typed), () => given.push("read"));
  made.show({ title: "3 exposures", rows: [GAIN, NOISE] });
  const field = (name) => made.fields.get(name).field;
  return { field, given, made };
}

test("a field with the focus keeps it, and what is being typed, when the kernel speaks", () => {
  const { field, given, made } = proposed();
  const gain = field("gain");
  gain.focus();
  gain.value = "2.";
  made.show({ title: "3 exposures", rows: [{ ...GAIN, value: "1.6" }, { ...NOISE, value: "3.5" }] });
  assert.ok(field("gain") === gain);
  assert.ok(made.rows.contains(gain));
  assert.deepEqual([gain.value, field("rnoise").value], ["2.", "3.5"]);
  gain.value = "2.5";
  gain.fire("keydown", { key: "Enter" });
  gain.fire("change"); // as the browser does when the focus goes
  assert.deepEqual(given, [{ gain: "2.5" }]);
  made.show({ rows: [{ ...GAIN, value: "2.5", certain: false, origin: "typed" }] });
  assert.deepEqual([gain.value, gain.parentElement.title, made.rows.childElementCount], ["2.5", "a guess: typed", 1]);
});

test("what was typed for other files is for them alone", () => {
  const { made, field, given } = proposed();
  const gain = field("gain");
  gain.focus();
  gain.value = "9";
  made.forget();
  gain.fire("change");
  assert.deepEqual([gain.value, given], ["1.5", []]);
});

test("what the kernel says again does not ask it again; all that was typed is told together", () => {
  const { field, given, made } = proposed();
  field("gain").fire("change");
  assert.deepEqual(given, []);
  for (const [name, text] of [["gain", "2"], ["rnoise", "5"]]) {
    field(name).value = text;
    field(name).fire("change");
  }
  assert.deepEqual(given.at(-1), { gain: "2", rnoise: "5" });
  made.forget();
  field("gain").value = "3";
  field("gain").fire("change");
  assert.deepEqual(given.at(-1), { gain: "3" });
});

test("settings on screen are kept only where that is ticked, and not for the next choice", () => {
  const { made } = proposed();
  assert.deepEqual([made.keeping.hidden, made.ask.hidden], [true, true]);
  made.show({ kept: "gain 2", ask: "Read 3 GB" });
  assert.deepEqual([made.keeping.hidden, made.ask.hidden, made.keep], [false, false, false]);
  made.box.checked = true;
  made.show({ kept: "gain 2" });
  assert.deepEqual([made.keep, made.ask.hidden], [true, true]);
  made.forget();
  assert.equal(made.keep, false);
});

test("the card of a chosen file stays when more is known or chosen", () => {
  page();
  const left = [];
  const chosen = new Chosen((path) => left.push(path), 2);
  chosen.show(["/a.fits", "/b.fits"]);
  const [, card] = chosen.element.children;
  chosen.facts.set("/b.fits", { object: "M 51", time: "900" });
  chosen.show(["/b.fits", "/c.fits", "/d.fits"]);
  assert.ok(chosen.element.children[0] === card);
  assert.equal(card.querySelector("p").textContent, "M 51 · 900 s");
  assert.deepEqual(
    chosen.element.children.map((each) => each.textContent), ["b.fitsM 51 · 900 s", "c.fits", "and 1 more"],
  );
  card.querySelector("button").click();
  assert.deepEqual(left, ["/b.fits"]);
  chosen.show(["/b.fits"]);
  assert.equal(chosen.element.childElementCount, 1);
});

test("an offer stays the same button as long as it is for the same files", () => {
  page();
  const taken = [];
  const offered = new Offered((paths) => taken.push(paths), 8);
  offered.show([{ words: "2 exposures", paths: ["/a", "/b"] }], false);
  const [button] = offered.buttons.children;
  offered.show([{ words: "Parameter file", paths: ["/p"] }, { words: "2 exposures: M 51", paths: ["/a", "/b"] }], false);
  assert.ok(offered.buttons.children[1] === button);
  assert.equal(button.textContent, "2 exposures: M 51");
  button.click();
  assert.deepEqual(taken, [["/a", "/b"]]);
  offered.show([], true);
  assert.deepEqual([offered.together.hidden, offered.element.hidden, offered.buttons.childElementCount], [true, true, 0]);
});
