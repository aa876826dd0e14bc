// A model of anywidget hears its kernel only if the page made it within 2 s: else whatever the
// kernel says afterwards is lost, and the part of the dashboard stays as it was at first.

const NOTHING = { content: { data: { method: "" } }, buffers: [] };

/**
 * Let a model that was made too late hear its kernel, and ask what was said meanwhile.
 * @param {Model} model
 */
async function hearLate(model) {
  const own = await model.widget_manager.get_model(model.get("ident"));
  if (!own.comm) return; // a page without a kernel
  try {
    await own._handle_comm_msg(NOTHING);
  } catch {
    const { _handle_comm_msg: handle } = Object.getPrototypeOf(Object.getPrototypeOf(own));
    own.comm.on_msg(handle.bind(own));
    own.comm.send({ method: "request_state" });
  }
}

/**
 * The hook of a model that is made: anywidget waits for the end of it, and then may have given up.
 * @param {{model: Model}} made
 */
function initialize({ model }) {
  setTimeout(() => hearLate(model));
}
