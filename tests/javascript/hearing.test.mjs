import assert from "node:assert/strict";
import test from "node:test";

import { load } from "./load.mjs";

const { hearLate, initialize } = await load("page-help_panel", "hearLate", "initialize");

// As classes of ipywidgets and anywidget: the method of the instance has given up, the one of the
// class that anywidget's own extends still works.
function lateModel({ comm = true, gaveUp = true } = {}) {
  const said = [];
  class Base {
    _handle_comm_msg(message) { said.push(["base", this === own, message]); }
  }
  class Anywidgets extends Base {}
  const own = new Anywidgets();
  own._handle_comm_msg = async (message) => {
    if (gaveUp) throw new Error("initialize timed out");
    said.push(["own", true, message]);
  };
  if (comm) {
    own.comm = { on_msg(action) { own.hears = action; }, send(content) { said.push(["sent", content]); } };
  }
  const model = { get: (name) => (name === "ident" ? "abc" : undefined), widget_manager: {
    get_model: async (id) => (id === "abc" ? own : null),
  } };
  return { own, model, said };
}

test("a model that gave up hears its kernel again, and asks for what it has missed", async () => {
  const { own, model, said } = lateModel();
  await hearLate(model);
  assert.deepEqual(said, [["sent", { method: "request_state" }]]);
  const { hears } = own; // whoever calls it
  hears("news");
  assert.deepEqual(said.at(-1), ["base", true, "news"]);
});

test("a model that hears its kernel is left as it is", async () => {
  const { own, model, said } = lateModel({ gaveUp: false });
  await hearLate(model);
  assert.deepEqual(said, [["own", true, { content: { data: { method: "" } }, buffers: [] }]]);
  assert.equal(own.hears, undefined);
});

test("on a page without a kernel nothing is asked for", async () => {
  const { model, said } = lateModel({ comm: false });
  await hearLate(model);
  assert.deepEqual(said, []);
});

test("a model is mended after anywidget has heard that it is made", async () => {
  const { model, said } = lateModel();
  assert.equal(initialize({ model }), undefined);
  for (let i = 0; i < 20; i += 1) await null; // as anywidget goes on with what it has promised
  assert.deepEqual(said, []);
  await new Promise((done) => { setTimeout(done, 20); });
  assert.deepEqual(said, [["sent", { method: "request_state" }]]);
});
