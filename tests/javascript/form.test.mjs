import assert from "node:assert/strict";
import test from "node:test";

import { load } from "./load.mjs";
import { fakeModel, page } from "./page.mjs";

const { default: widget, evenColumns, placeOf, valueAt } = await load("settings-form");

const LINEAR = { kind: "number", low: 0, high: 10, step: 0.5, log: false };
const LOG = { kind: "number", low: 0.01, high: 100, step: 0.01, log: true };
const FIELD = {
  name: "la_sigclip", words: "sigma clip", short: "clip", unit: "σ", help: "how far a pixel stands out",
  group: "L.A.Cosmic", kind: "number", choices: [], low: 0, high: 10, step: 0.5, log: false, initial: "5",
  fixed: "", nothing: "none",
};

function opened(fields, values, more = {}) {
  const { element } = page();
  const el = element("div");
  const model = fakeModel({
    fields: fields.map((field) => ({ ...FIELD, ...field })), values, errors: {}, compact: false,
    sections: ["General"], ...more,
  });
  widget.render({ model, el });
  const input = (name, type = "text") => [...el.querySelectorAll(".crmasks-field")]
    .find((row) => row.querySelector("code").textContent === name)
    .querySelectorAll(type === "select" ? "select" : "input").find((each) => type === "select" || each.type === type);
  return { el, input, model };
}

test("a place on a slider leads back to its value", () => {
  for (const value of [0, 0.5, 7.5, 10]) assert.equal(valueAt(LINEAR, placeOf(LINEAR, value)), value);
  for (const value of [0.01, 0.5, 1, 37, 100]) assert.equal(valueAt(LOG, placeOf(LOG, value)), value);
});

test("a logarithmic slider has equal factors at equal distances, and ends where its range does", () => {
  assert.equal(placeOf(LOG, 1).toFixed(6), "500.000000");
  assert.equal((placeOf(LOG, 10) - placeOf(LOG, 1)).toFixed(6), "250.000000");
  assert.equal(Math.round(placeOf(LOG, 1e9)), 1000);
  assert.equal(placeOf(LOG, 1e-9), 0);
  assert.equal(placeOf(LINEAR, 99), 10);
});

test("a slider gives numbers that a user would choose", () => {
  assert.equal(valueAt({ ...LINEAR, step: 0.1 }, 0.1 + 0.2), 0.3);
  assert.equal(valueAt(LOG, 333), 0.21);
  assert.equal(valueAt({ ...LOG, low: 1, high: 1000, kind: "integer" }, 555), 46);
});

test("columns leave no field alone in a row", () => {
  assert.equal(evenColumns(6, 5 * 154), 3);
  assert.equal(evenColumns(4, 5 * 154), 4);
  assert.equal(evenColumns(7, 4 * 154), 4);
  assert.equal(evenColumns(6, 0), "");
  assert.equal(evenColumns(0, 900), "");
});

test("what is typed goes to the kernel once, and nothing typed is null", () => {
  const { input, model } = opened([{}], { la_sigclip: { text: "5", number: 5 } });
  const field = input("la_sigclip");
  assert.equal(field.value, "5");
  field.fire("change");
  assert.deepEqual(model.sent, []);
  field.value = " 6.5 ";
  field.fire("keydown", { key: "Enter" });
  field.fire("change");
  assert.deepEqual(model.sent, [{ set: "la_sigclip", text: "6.5" }]);
  field.value = "";
  field.fire("change");
  assert.deepEqual(model.sent.at(-1), { set: "la_sigclip", text: "null" });
});

test("what is being typed stays when the kernel speaks; Escape takes it back", () => {
  const { input, model } = opened([{}], { la_sigclip: { text: "5", number: 5 } });
  const field = input("la_sigclip");
  field.focus();
  field.value = "6.";
  model.told({ values: { la_sigclip: { text: "5", number: 5 } } });
  assert.equal(field.value, "6.");
  assert.equal(field.fire("keydown", { key: "Escape" }).defaultPrevented, true);
  assert.equal(field.value, "5");
  assert.equal(field.fire("keydown", { key: "Escape" }).defaultPrevented, false);
  assert.deepEqual(model.sent, []);
});

test("a field shows what the kernel has, and whether it was changed", () => {
  const { el, input, model } = opened([{}], { la_sigclip: { text: "5", number: 5 } });
  const row = el.querySelector(".crmasks-field");
  assert.equal(row.classList.contains("crmasks-changed"), false);
  model.told({ values: { la_sigclip: { text: "7.5", number: 7.5 } } });
  assert.equal(input("la_sigclip").value, "7.5");
  assert.equal(Number(input("la_sigclip", "range").value), 7.5);
  assert.equal(row.classList.contains("crmasks-changed"), true);
  row.querySelector(".crmasks-icon-reset").click();
  assert.deepEqual(model.sent, [{ reset: "la_sigclip" }]);
});

test("while a hand holds a slider, what the kernel says of it waits", () => {
  const { input, model } = opened([{}], { la_sigclip: { text: "5", number: 5 } });
  const [field, slider] = [input("la_sigclip"), input("la_sigclip", "range")];
  slider.fire("pointerdown");
  slider.value = "8";
  slider.fire("input");
  assert.equal(model.traits.moving.value, 8);
  model.told({ values: { la_sigclip: { text: "6", number: 6 } } });
  assert.deepEqual([field.value, slider.value], ["8", "8"]);
  slider.fire("pointerup");
  model.told({ values: { la_sigclip: { text: "6", number: 6 } } });
  assert.deepEqual([field.value, Number(slider.value)], ["6", 6]);
});

test("a value that is refused is said beside its field, until it is taken", () => {
  const { el, input, model } = opened([{}], { la_sigclip: { text: "5", number: 5 } });
  model.told({ errors: { la_sigclip: "found -1, expected at least 0" } });
  const said = el.querySelector(".crmasks-field-error");
  assert.match(said.textContent, /found -1, expected at least 0$/);
  assert.equal(input("la_sigclip").getAttribute("aria-invalid"), "true");
  model.told({ errors: {} });
  assert.deepEqual([said.textContent, input("la_sigclip").getAttribute("aria-invalid")], ["", null]);
});

test("switches and choices send what they are", () => {
  const { input, model } = opened(
    [{ name: "on", kind: "switch" }, { name: "kind", kind: "choice", choices: ["a", "b"] }],
    { on: { text: "true" }, kind: { text: "b" } },
  );
  const [box, list] = [input("on", "checkbox"), input("kind", "select")];
  assert.deepEqual([box.checked, list.value], [true, "b"]);
  box.checked = false;
  box.fire("change");
  list.value = "a";
  list.fire("change");
  assert.deepEqual(model.sent, [{ set: "on", value: false }, { set: "kind", value: "a" }]);
});

test("what cannot be changed is said and cannot be changed", () => {
  const { el, input } = opened([{ fixed: "not of this method" }], { la_sigclip: { text: "5", number: 5 } });
  assert.equal(input("la_sigclip").disabled, true);
  assert.equal(input("la_sigclip", "range").disabled, true);
  assert.equal(el.querySelector(".crmasks-field-note").textContent, "not of this method");
});

test("a search leaves fields that have all its words, and sections that have such fields", () => {
  const { el } = opened(
    [{}, { name: "gain", words: "gain", help: "electrons per ADU", group: "General" }],
    { la_sigclip: { text: "7", number: 7 }, gain: { text: "5", number: 5 } },
  );
  const [search, changed] = el.querySelector(".crmasks-form-tools").querySelectorAll("input");
  const seen = () => el.querySelectorAll(".crmasks-field").filter((row) => !row.hidden && !row.parentElement.hidden)
    .map((row) => row.querySelector("code").textContent);
  assert.deepEqual(seen(), ["gain", "la_sigclip"]); // the section of the method first
  search.value = "PER electrons";
  search.fire("input");
  assert.deepEqual(seen(), ["gain"]);
  assert.deepEqual(el.querySelectorAll("section").map(({ hidden }) => hidden), [false, true]);
  search.value = "";
  search.fire("input");
  changed.checked = true;
  changed.fire("change");
  assert.deepEqual(seen(), ["la_sigclip"]);
});
