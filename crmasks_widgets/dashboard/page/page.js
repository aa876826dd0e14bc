// What only the page can tell: keys, the pointer over a plot, the sizes of plots.
//
// The dashboard is the element of class "crmasks-dashboard", a plot an element of class
// "crmasks-plot" whose name follows in a class "crmasks-plot-NAME". Positions are fractions of
// the plotting area, from its left and lower edge. What comes fast (pointer, wheel, sizes) goes
// through traits, of which only the newest is sent; what must not be lost goes as a message.

const EDITABLE = "input:not([type=checkbox]):not([type=range]):not([type=radio]), textarea, " +
  "select, [contenteditable=true], .cm-content, .jp-mod-editMode *";

const CLICK_REACH = 4; // pixels that the pointer may move between pressing and releasing

const nobodyHasFocus = () => !document.activeElement || document.activeElement === document.body;

/** Whether an element is there, seen and not switched off. @param {Element} part of the page */
function canHaveFocus(part) {
  const off = "disabled" in part && part.disabled;
  return part.isConnected && !off && part.checkVisibility({ visibilityProperty: true });
}

/** @param {Element} plot */
function plotName(plot) {
  const name = [...plot.classList].find((c) => c.startsWith("crmasks-plot-")) ?? "";
  return name.slice("crmasks-plot-".length);
}

/** The plot that an element is in: its name, and where its plotting area is. @param {Element} target */
function plotAround(target) {
  const plot = target.closest(".crmasks-plot");
  if (!plot) return null;
  const area = plot.querySelector(".plotarea_background") ?? plot;
  return { name: plotName(plot), box: area.getBoundingClientRect() };
}

/**
 * The key that is meant. With Caps Lock on, letters go by Shift alone: n would be N, which takes a
 * hit out of every mask.
 * @param {KeyboardEvent} event
 */
function keyOf(event) {
  const { key } = event;
  if (key.length > 1 || !event.getModifierState("CapsLock")) return key;
  return event.shiftKey ? key.toUpperCase() : key.toLowerCase();
}

/** Where the pointer is in a plot; null outside of one. @param {MouseEvent} event @returns {Position | null} */
function position(event) {
  const plot = plotAround(event.target);
  if (!plot || !plot.box.width || !plot.box.height) return null;
  const x = (event.clientX - plot.box.left) / plot.box.width;
  const y = (plot.box.bottom - event.clientY) / plot.box.height;
  return x < 0 || x > 1 || y < 0 || y > 1 ? null : { plot: plot.name, x, y };
}

/**
 * What the kernel knows a pane by: the name of its first plot. Empty where there is none.
 * @param {Element | null} part of the pane
 */
function paneName(part) {
  const plot = part?.closest(".crmasks-pane")?.querySelector(".crmasks-plot");
  return plot ? plotName(plot) : "";
}

const BELOW = 2; // pixels that stay free
const NARROW = 900; // pixels of width, below which one pane is seen at a time
const MEDIUM = 1500; // below which the bar at the top leaves out words

// A page may only have so many contexts: this one is given back at once.
function hasWebGL() {
  const context = document.createElement("canvas").getContext("webgl");
  context?.getExtension("WEBGL_lose_context")?.loseContext();
  return context !== null;
}

/** @typedef {{plot: string, x: number, y: number, gesture: string}} Contrast how far it was dragged */
/**
 * @typedef {{event: "focus" | "leaves" | "stays"} | ({event: "download"} & Saved)
 *   | ({event: "still"} & Parameters<typeof keepStill>[0])
 *   | {event: "canvas", selector: string, name: string}} Told what the kernel says
 * @typedef {{name: string, mime: string, base64: string}} Saved a file
 */

/** @param {Model} model @param {HTMLElement} root @param {AbortSignal} signal */
function connect(model, root, signal) {
  /**
   * @template {keyof HTMLElementEventMap} Name
   * @param {Name} name
   * @param {(event: HTMLElementEventMap[Name]) => void} action
   * @param {AddEventListenerOptions} options
   */
  const listen = (name, action, options = {}) =>
    root.addEventListener(name, action, { signal, ...options });
  /** @param {string} key @param {unknown} value */
  const tell = (key, value) => {
    model.set(key, value);
    model.save_changes();
  };

  model.send({ event: "begun" });
  whenMade(root, signal, () => model.send({ event: "made" }));
  tell("webgl", hasWebGL());
  tell("keeps", Boolean(window.jupyterapp));

  // JupyterLab and Voila say so on the page's body; plots in WebGL know nothing of style sheets.
  const theme = () => tell("dark", document.body.dataset.jpThemeLight === "false");
  const themed = new MutationObserver(theme);
  themed.observe(document.body, { attributeFilter: ["data-jp-theme-light"] });
  theme();

  // JupyterLab's own shortcuts leave alone what happens inside such an element.
  root.setAttribute("data-lm-suppress-shortcuts", "true");
  // They look at what has the focus first, and some are for whatever has it in a notebook.
  listen("focusin", (event) => event.target.setAttribute("data-lm-suppress-shortcuts", "true"));
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

  // Where a list was opened with the pointer, keys are not for it once something is chosen.
  /** @type {Element | null} */
  let pointed = null;
  listen("pointerdown", (event) => { pointed = event.target.closest("select"); }, { capture: true });
  listen("change", (event) => {
    if (event.target === pointed) root.focus({ preventScroll: true });
  });

  // Another session takes the place of one that had the focus, with what had it.
  /** @type {Element | null} */
  let focused = null;
  listen("focusin", ({ target }) => {
    root.crmasksFocused = true;
    focused = target;
  });
  listen("focusout", (event) => {
    const to = event.relatedTarget;
    if (to instanceof Node && !root.contains(to)) root.crmasksFocused = false;
  });
  // What goes while it has the focus, as a button that has done its work, leaves it to nobody.
  const comeBack = () => {
    if (nobodyHasFocus() && focused && root.isConnected && !canHaveFocus(focused)) {
      root.focus({ preventScroll: true });
    }
  };
  // Where it goes, and not only its focus, is known a moment later, and not every browser tells.
  listen("focusout", () => setTimeout(() => {
    comeBack();
    if (nobodyHasFocus()) focused = null; // the user left it
  }));
  document.addEventListener("keydown", (event) => {
    if (root.contains(event.target)) return;
    comeBack();
    if (document.activeElement === root) pressed(event);
  }, { signal, capture: true });
  if (root.crmasksFocused && nobodyHasFocus()) root.focus({ preventScroll: true });

  // Beside its plots, too, a pane has the keys that several have: where the pointer is, or the focus.
  let pane = "";
  /** @param {Key} pressed */
  const key = (pressed) => {
    const message = { ...pressed, pane: pane || paneName(document.activeElement) };
    if (root.crmasksKeys) root.crmasksKeys.push(message);
    // What the kernel may not have heard yet, since traits wait for it, and messages do not.
    else model.send({ event: "key", ...message, wheel: model.get("wheel") });
  };
  // Keys that waited for the next session are for this one: it is the next, or none comes.
  const begin = () => {
    const waiting = root.crmasksKeys ?? [];
    root.crmasksKeys = null;
    root.removeAttribute("aria-busy");
    waiting.forEach(key);
  };
  begin();
  listen(STAYS, begin);

  /** @type {Position | null} */
  let seen = null;
  // What lies over the views is closed wherever the focus is: a popover here, the rest in the
  // kernel. A control that has a use of its own for the key has prevented the default.
  /** @param {KeyboardEvent} event */
  const escape = (event) => {
    event.stopPropagation();
    const { target } = event;
    const search = target instanceof HTMLInputElement && target.type === "search" && target.value !== "";
    if (event.defaultPrevented || search) return;
    event.preventDefault();
    /** @type {HTMLDetailsElement | null} */
    const remarks = root.querySelector("details.crmasks-remarks[open]");
    if (remarks) {
      remarks.open = false;
      return;
    }
    /** @type {NodeListOf<HTMLElement>} */
    const popovers = root.querySelectorAll(":popover-open");
    const popover = [...popovers].at(-1);
    if (popover) {
      popover.hidePopover();
      return;
    }
    root.focus({ preventScroll: true });
    key({ key: "Escape", control: false, shift: false, at: seen });
  };
  /** @param {KeyboardEvent} event */
  const pressed = (event) => {
    if (event.key === "Escape") {
      escape(event);
      return;
    }
    pointed = null;
    const control = event.ctrlKey || event.metaKey;
    // A list has nothing of its own to take back.
    const typing = event.target.matches(EDITABLE) && !(control && event.target.matches("select"));
    if (typing) return;
    if (control || event.altKey) {
      if (!control || !"zyZY".includes(event.key)) return;
    }
    const ownUse = ["Tab", "Enter", " ", "ArrowLeft", "ArrowRight", "ArrowUp",
      "ArrowDown", "Home", "End", "PageUp", "PageDown", "Shift", "Control", "Alt", "Meta"];
    // bqplot gives a plot the focus where it is clicked; a plot has no use for keys.
    const free = event.target === root || event.target.closest(".crmasks-plot");
    if (ownUse.includes(event.key) && !free) return;
    event.stopPropagation();
    if (event.key.length === 1 || event.key.startsWith("Arrow")) {
      event.preventDefault();
      key({ key: keyOf(event), control, shift: event.shiftKey, at: seen });
    }
  };
  listen("keydown", pressed);
  // While one page goes and the next comes, keys are kept, too.
  if (root.crmasksLast) root.removeEventListener("keydown", root.crmasksLast);
  root.crmasksLast = pressed;
  signal.addEventListener("abort", () => {
    if (root.crmasksKeys) root.addEventListener("keydown", pressed);
  });

  listen("dblclick", (event) => {
    const at = position(event);
    if (at) model.send({ event: "dblclick", ...at });
  });

  // A click of the browser also ends a drag; this one does not.
  /** @type {Position | null} in pixels of the page */
  let down = null;
  listen("pointerdown", (event) => {
    const at = event.button === 0 ? position(event) : null;
    down = at && { plot: at.plot, x: event.clientX, y: event.clientY };
  });
  listen("pointerup", (event) => {
    const at = position(event);
    const still = down && at && at.plot === down.plot &&
      Math.hypot(event.clientX - down.x, event.clientY - down.y) < CLICK_REACH;
    if (still) model.send({ event: "click", ...at });
    down = null;
  });

  // A slider is told of nowhere else; it keeps what happens to it from those that listen later.
  /** @type {HTMLElement | null} */
  let held = null;
  /** @param {Element} slider */
  const sliderName = (slider) =>
    /crmasks-slider-(\S+)/.exec(slider.closest("[class*=crmasks-slider-]")?.className ?? "")?.[1] ?? "";
  listen("pointerdown", (event) => {
    held = event.target.closest(".noUi-target");
    if (held) model.send({ event: "hold", slider: sliderName(held) });
  }, { capture: true });
  const release = () => {
    // A message, with where it is: what the slider says itself waits for the kernel.
    if (held) model.send({ event: "release", slider: sliderName(held), value: Number(held.noUiSlider?.get()) });
    held = null;
  };
  for (const name of ["pointerup", "pointercancel"]) {
    window.addEventListener(name, release, { signal, capture: true });
  }

  listen("pointermove", (event) => {
    seen = position(event);
    pane = paneName(event.target);
    // During a drag the user looks at what is dragged, and the kernel has enough to do.
    if (!event.buttons) tell("pointer", seen ?? {});
  });
  listen("pointerleave", () => {
    seen = null;
    pane = "";
    tell("pointer", {});
  });

  // The right button drags the contrast, as in DS9; no menu opens over a plot.
  /** @type {Contrast & {box: DOMRect, last?: Contrast} | null} */
  let dragged = null;
  listen("contextmenu", (event) => {
    if (plotAround(event.target)) event.preventDefault();
  });
  listen("pointerdown", (event) => {
    const plot = event.button === 2 ? plotAround(event.target) : null;
    if (!plot) return;
    const gesture = freshId("gesture");
    dragged = { plot: plot.name, box: plot.box, x: event.clientX, y: event.clientY, gesture };
    event.stopPropagation();
  }, { capture: true });
  listen("pointermove", (event) => {
    if (!dragged || !(event.buttons & 2)) return;
    const { plot, box, gesture } = dragged;
    const x = (event.clientX - dragged.x) / box.width;
    dragged.last = { plot, x, y: (dragged.y - event.clientY) / box.height, gesture };
    tell("contrast", dragged.last);
  }, { capture: true });
  for (const name of ["pointerup", "pointercancel"]) {
    window.addEventListener(name, () => {
      if (dragged?.last) model.send({ event: "contrast", ...dragged.last });
      dragged = null;
    }, { signal, capture: true });
  }

  // bqplot zooms by itself where a figure has an interaction; elsewhere the kernel does.
  let turned = model.get("wheel").total ?? 0; // on with what a page before this one told
  listen("wheel", (event) => {
    const at = position(event);
    if (!at) return;
    event.preventDefault();
    turned += event.deltaY;
    tell("wheel", { ...at, total: turned });
  }, { passive: false });

  // The dashboard is as high as what shows it has room for: the window, or a panel that scrolls.
  const frame = scrollerOf(root);
  const alone = loneCellOf(root);
  if (alone) {
    alone.classList.add("crmasks-alone");
    foldFrame();
  }
  const fit = () => {
    const view = frame ? frame.clientHeight : window.innerHeight;
    const top = root.getBoundingClientRect().top -
      (frame ? frame.getBoundingClientRect().top - frame.scrollTop : -window.scrollY);
    // Far down a page the dashboard fills the window when it is scrolled to.
    const above = top < view / 3 ? top : 0;
    root.style.setProperty("--crmasks-height", `${Math.floor(view - above - BELOW)}px`);
    root.classList.toggle("crmasks-narrow", root.clientWidth < NARROW);
    root.classList.toggle("crmasks-medium", root.clientWidth < MEDIUM);
  };
  const fitted = new ResizeObserver(fit);
  fitted.observe(frame ?? document.documentElement);
  fitted.observe(root);
  window.addEventListener("resize", fit, { signal });
  fit();

  const watched = new Map();
  const measure = () => {
    /** @type {Record<string, [number, number]>} */
    const sizes = {};
    for (const plot of root.querySelectorAll(".crmasks-plot")) {
      const found = plotAround(plot);
      if (!found?.box.width || !found.box.height) continue;
      const { name, box } = found;
      const scale = window.devicePixelRatio || 1;
      sizes[name] = [Math.round(box.width * scale), Math.round(box.height * scale)];
    }
    if (JSON.stringify(sizes) !== JSON.stringify(model.get("sizes"))) tell("sizes", sizes);
  };
  // A figure draws itself anew some time after its element changed: its plotting area tells when.
  const resized = new ResizeObserver(() => requestAnimationFrame(measure));
  const watch = () => {
    for (const plot of root.querySelectorAll(".crmasks-plot, .plotarea_background")) {
      if (watched.has(plot)) continue;
      watched.set(plot, true);
      resized.observe(plot);
    }
  };
  // ipywidgets shows the tooltip of a field with a label nowhere, and gives the handle of a slider
  // no name for a screen reader: both are taken from the help in the label.
  const spreadHelp = () => {
    /** @type {NodeListOf<HTMLElement>} */
    const helps = root.querySelectorAll(".crmasks-cell > :not([title]) [title]");
    for (const help of helps) {
      const part = /** @type {HTMLElement} */ (help.closest(".crmasks-cell > *"));
      part.title = help.title;
      part.querySelector(".noUi-handle")?.setAttribute("aria-label", help.title);
    }
  };
  const hidden = new Set();
  const hideStills = () => {
    for (const still of stillsBeside(root)) {
      still.classList.add("crmasks-not-needed");
      hidden.add(still);
    }
  };
  const look = () => {
    watch();
    spreadHelp();
  };
  // Once a frame, however much changes: a picture that is swapped is a change, too.
  let planned = 0;
  const added = new MutationObserver(() => {
    planned ||= requestAnimationFrame(() => {
      planned = 0;
      look();
    });
  });
  added.observe(root, { childList: true, subtree: true });
  const outputs = new MutationObserver((changes) => {
    if (changes.some(({ target }) => !root.contains(target))) hideStills();
  });
  const area = root.closest(".jp-OutputArea");
  if (area) outputs.observe(area, { childList: true, subtree: true, attributeFilter: ["src"] });
  look();
  hideStills();
  signal.addEventListener("abort", () => {
    added.disconnect();
    cancelAnimationFrame(planned);
    outputs.disconnect();
    themed.disconnect();
    resized.disconnect();
    fitted.disconnect();
    alone?.classList.remove("crmasks-alone");
    for (const still of hidden) still.classList.remove("crmasks-not-needed");
  });

  explain(root, signal);

  model.on("msg:custom", (/** @type {Told} */ message) => {
    if (message.event === "focus") root.focus({ preventScroll: true });
    if (message.event === "leaves") waitForNext(root);
    if (message.event === "stays") begin();
    if (message.event === "download") download(message);
    if (message.event === "still") keepStill(message);
    if (message.event === "canvas") downloadCanvas(root, message);
  });
}

// A box holds an empty place for a child until the child is made.
const UNMADE = '.widget-box > [class="lm-Widget"]:empty';

/**
 * Call `done` once all that the boxes of the dashboard hold was made.
 * @param {HTMLElement} root @param {AbortSignal} signal @param {() => void} done
 */
function whenMade(root, signal, done) {
  const look = () => {
    if (signal.aborted || root.querySelector(UNMADE)) return;
    changed.disconnect();
    done();
  };
  const changed = new MutationObserver(look);
  changed.observe(root, { childList: true, subtree: true });
  signal.addEventListener("abort", () => changed.disconnect());
  look();
}

/** @param {Saved} file */
function download({ name, mime, base64 }) {
  const link = document.createElement("a");
  link.href = `data:${mime};base64,${base64}`;
  link.download = name;
  link.click();
}

/** @param {HTMLElement} root @param {{selector: string, name: string}} wanted */
function downloadCanvas(root, { selector, name }) {
  /** @type {HTMLCanvasElement | null} */
  const canvas = root.querySelector(`${selector} canvas`);
  if (!canvas) return;
  const link = document.createElement("a");
  link.href = canvas.toDataURL("image/png");
  link.download = name;
  link.click();
}

/** @param {Widget} widget */
function render({ model, el }) {
  const stop = new AbortController();
  // The element is drawn before the page holds it.
  const begin = () => {
    if (stop.signal.aborted) return;
    /** @type {HTMLElement | null} */
    const root = el.closest(".crmasks-dashboard");
    if (root) connect(model, root, stop.signal);
    else requestAnimationFrame(begin);
  };
  begin();
  return () => stop.abort();
}

export default { initialize, render };
