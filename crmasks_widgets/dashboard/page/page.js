// What only the page can tell: keys, the pointer over a plot, the sizes of plots.
//
// The dashboard is the element of class "crmasks-dashboard", a plot an element of class
// "crmasks-plot" whose name follows in a class "crmasks-plot-NAME". Positions are fractions of
// the plotting area, from its left and lower edge. What comes fast (pointer, wheel, sizes) goes
// through traits, of which only the newest is sent; what must not be lost goes as a message.

const EDITABLE = "input:not([type=checkbox]):not([type=range]):not([type=radio]), textarea, " +
  "select, [contenteditable=true], .cm-content, .jp-mod-editMode *";

const CLICK_REACH = 4; // pixels that the pointer may move between pressing and releasing

function plotOf(target) {
  const plot = target instanceof Element ? target.closest(".crmasks-plot") : null;
  if (!plot) return null;
  const name = [...plot.classList].find((c) => c.startsWith("crmasks-plot-"));
  const area = plot.querySelector(".plotarea_background") ?? plot;
  return { name: name.slice("crmasks-plot-".length), box: area.getBoundingClientRect() };
}

function position(event) {
  const plot = plotOf(event.target);
  if (!plot || !plot.box.width || !plot.box.height) return null;
  const x = (event.clientX - plot.box.left) / plot.box.width;
  const y = (plot.box.bottom - event.clientY) / plot.box.height;
  return x < 0 || x > 1 || y < 0 || y > 1 ? null : { plot: plot.name, x, y };
}

// A page may only have so many contexts: this one is given back at once.
function hasWebGL() {
  const context = document.createElement("canvas").getContext("webgl");
  context?.getExtension("WEBGL_lose_context")?.loseContext();
  return context !== null;
}

function connect(model, root, signal) {
  const listen = (name, action, options = {}) =>
    root.addEventListener(name, action, { signal, ...options });
  const tell = (key, value) => {
    model.set(key, value);
    model.save_changes();
  };

  tell("webgl", hasWebGL());

  // JupyterLab and Voila say so on the page's body; plots in WebGL know nothing of style sheets.
  const theme = () => tell("dark", document.body.dataset.jpThemeLight === "false");
  const themed = new MutationObserver(theme);
  themed.observe(document.body, { attributeFilter: ["data-jp-theme-light"] });
  theme();

  // JupyterLab's own shortcuts leave alone what happens inside such an element.
  root.setAttribute("data-lm-suppress-shortcuts", "true");
  root.setAttribute("tabindex", "-1");
  root.setAttribute("role", "application");
  root.setAttribute("aria-label", "Cosmic-ray masks dashboard");

  // A key goes to the dashboard when the pointer is over it, unless the user is typing.
  const takeFocus = () => {
    const active = document.activeElement;
    if (!root.contains(active) && !(active && active.matches(EDITABLE))) {
      root.focus({ preventScroll: true });
    }
  };
  listen("pointerenter", takeFocus);
  listen("pointerup", () => setTimeout(() => {
    if (!root.contains(document.activeElement)) root.focus({ preventScroll: true });
  }));

  let seen = null;
  listen("keydown", (event) => {
    if (event.target.matches(EDITABLE)) return;
    if (event.ctrlKey || event.metaKey || event.altKey) {
      if (!(event.ctrlKey || event.metaKey) || !"zyZY".includes(event.key)) return;
    }
    const ownUse = ["Tab", "Enter", " ", "Escape", "ArrowLeft", "ArrowRight", "ArrowUp",
      "ArrowDown", "Home", "End", "PageUp", "PageDown", "Shift", "Control", "Alt", "Meta"];
    // bqplot gives a plot the focus where it is clicked; a plot has no use for keys.
    const free = event.target === root || event.target.closest(".crmasks-plot");
    if (ownUse.includes(event.key) && !free) return;
    event.stopPropagation();
    if (event.key.length === 1 || event.key === "Escape" || event.key.startsWith("Arrow")) {
      event.preventDefault();
      const control = event.ctrlKey || event.metaKey;
      model.send({ event: "key", key: event.key, control, shift: event.shiftKey, at: seen });
    }
  });

  listen("dblclick", (event) => {
    const at = position(event);
    if (at) model.send({ event: "dblclick", ...at });
  });

  // A click of the browser also ends a drag; this one does not.
  let pressed = null;
  listen("pointerdown", (event) => {
    const at = event.button === 0 ? position(event) : null;
    pressed = at && { plot: at.plot, x: event.clientX, y: event.clientY };
  });
  listen("pointerup", (event) => {
    const at = position(event);
    const still = pressed && at && at.plot === pressed.plot &&
      Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y) < CLICK_REACH;
    if (still) model.send({ event: "click", ...at });
    pressed = null;
  });

  // A slider is told of nowhere else; it keeps what happens to it from those that listen later.
  let held = false;
  listen("pointerdown", (event) => {
    held = event.target.closest(".noUi-target") !== null;
    if (held) model.send({ event: "hold" });
  }, { capture: true });
  const release = () => {
    if (held) model.send({ event: "release" });
    held = false;
  };
  for (const name of ["pointerup", "pointercancel"]) {
    window.addEventListener(name, release, { signal, capture: true });
  }

  listen("pointermove", (event) => {
    seen = position(event);
    // During a drag the user looks at what is dragged, and the kernel has enough to do.
    if (!event.buttons) tell("pointer", seen ?? {});
  });
  listen("pointerleave", () => {
    seen = null;
    tell("pointer", {});
  });

  // bqplot zooms by itself where a figure has an interaction; elsewhere the kernel does.
  let turned = 0;
  listen("wheel", (event) => {
    const at = position(event);
    if (!at) return;
    event.preventDefault();
    turned += event.deltaY;
    tell("wheel", { ...at, total: turned });
  }, { passive: false });

  const watched = new Map();
  const measure = () => {
    const sizes = {};
    for (const plot of root.querySelectorAll(".crmasks-plot")) {
      const { name, box } = plotOf(plot);
      if (!box.width || !box.height) continue;
      const scale = window.devicePixelRatio || 1;
      sizes[name] = [Math.round(box.width * scale), Math.round(box.height * scale)];
    }
    if (JSON.stringify(sizes) !== JSON.stringify(model.get("sizes"))) tell("sizes", sizes);
  };
  const resized = new ResizeObserver(() => setTimeout(measure, 50));
  const watch = () => {
    for (const plot of root.querySelectorAll(".crmasks-plot")) {
      if (watched.has(plot)) continue;
      watched.set(plot, true);
      resized.observe(plot);
    }
  };
  // ipywidgets shows the tooltip of a field with a label nowhere, and gives the handle of a slider
  // no name for a screen reader: both are taken from the help in the label.
  const spreadHelp = () => {
    for (const help of root.querySelectorAll(".crmasks-cell > :not([title]) [title]")) {
      const part = help.closest(".crmasks-cell > *");
      part.title = help.title;
      part.querySelector(".noUi-handle")?.setAttribute("aria-label", help.title);
    }
  };
  const look = () => {
    watch();
    spreadHelp();
  };
  const added = new MutationObserver(look);
  added.observe(root, { childList: true, subtree: true });
  look();
  signal.addEventListener("abort", () => {
    added.disconnect();
    themed.disconnect();
    resized.disconnect();
  });

  model.on("msg:custom", (message) => {
    if (message.event === "focus") root.focus({ preventScroll: true });
    if (message.event === "download") download(message);
    if (message.event === "canvas") downloadCanvas(root, message);
  });
}

function download({ name, mime, base64 }) {
  const link = document.createElement("a");
  link.href = `data:${mime};base64,${base64}`;
  link.download = name;
  link.click();
}

function downloadCanvas(root, { selector, name }) {
  const canvas = root.querySelector(`${selector} canvas`);
  if (!canvas) return;
  const link = document.createElement("a");
  link.href = canvas.toDataURL("image/png");
  link.download = name;
  link.click();
}

function render({ model, el }) {
  const stop = new AbortController();
  // The element is drawn before the page holds it.
  const begin = () => {
    if (stop.signal.aborted) return;
    const root = el.closest(".crmasks-dashboard");
    if (root) connect(model, root, stop.signal);
    else requestAnimationFrame(begin);
  };
  begin();
  return () => stop.abort();
}

export default { render };
