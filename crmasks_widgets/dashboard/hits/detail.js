// The selected hit, large: what it is in words, its panels, a cut along row and column, verdicts.

/**
 * @typedef {Object} Panel
 * @property {number} x left edge, drawn pixels
 * @property {number} y upper edge of the panel, drawn pixels from the top
 * @property {number} width
 * @property {string} name
 * @property {string} line colour of its line in the cuts; empty for none
 */

/**
 * @typedef {Object} Cut
 * @property {string} label what it goes along
 * @property {number} n values of a line
 * @property {number} lines how many
 * @property {number} first place of the first value, FITS pixel
 * @property {number} at place of the hit, FITS pixel
 */

const VERDICTS = [
  ["confirmed", "✓", "confirm", "y", "This is a cosmic-ray hit; then the next (y)"],
  ["rejected", "✕", "reject", "n", "Not a hit: out of MEDIANCR; other masks keep what their data show (n)"],
  ["undecided", "", "undecided", "u", "Take the verdict back; then the next (u)"],
];
/** @type {[number, number]} */
const ROOM = [0.1, 0.5];
const TOOLS = [
  ["paint", "Click a pixel that is a cosmic-ray hit"],
  ["erase", "Click a flagged pixel that is no cosmic-ray hit in any exposure"],
];

/**
 * @typedef {Object} State what the kernel says
 * @property {number} [at] which hit is seen: flat index of its peak
 * @property {string} [empty] why there is nothing to see; empty where there is
 * @property {boolean} solid whether it is seen in 3-D
 * @property {string} name
 * @property {string} kind
 * @property {string} tone colour of the kind
 * @property {string} place
 * @property {string} why
 * @property {string} reason
 * @property {string} cuts what the cuts show, in words
 * @property {boolean} can_judge
 * @property {string} verdict
 * @property {string} tool that a click is for
 * @property {string[]} stretches
 * @property {string} stretch
 * @property {[number, number]} widths of the window of a local median, pixels
 */

/**
 * @typedef {Object} Sent a picture, as the kernel tells of it
 * @property {string} name
 * @property {[number, number]} shape of the panels together, drawn pixels
 * @property {number} top of the panels, drawn pixels
 * @property {Panel[]} panels
 * @property {Cut[]} cuts
 * @property {number} layout which arrangement it is, for a click
 * @typedef {Sent & {image: HTMLCanvasElement, values: Float32Array[]}} Picture
 * @typedef {{event: "save", name: string} | ({event: "picture"} & Sent)} Told
 */

/** @typedef {ReturnType<typeof themeOf>} Colours */
/** @typedef {(what: string, value: unknown) => void} Act */

/** @param {string} icon @param {string} title @param {() => void} action */
function iconButton(icon, title, action) {
  const made = element("button", {
    type: "button", className: `crmasks-icon crmasks-icon-${icon}`, title, aria: { label: title },
  });
  made.addEventListener("click", action);
  return made;
}

/**
 * Limits of an axis on which lines do not touch the frame.
 * @param {Float32Array} values
 * @param {[number, number]} room left below and above, in parts of their range
 * @returns {[number, number]}
 */
export function limitsOf(values, [below, above]) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return [0, 1];
  const range = high - low || Math.abs(high) || 1;
  return [low - below * range, high + above * range];
}

/** A number in few characters. @param {number} value */
export function brief(value) {
  const size = Math.abs(value);
  if (size >= 1e4) return `${Math.round(value / 1e3)}k`;
  return size >= 10 || size === 0 ? String(Math.round(value)) : value.toPrecision(2);
}

/**
 * @param {Uint8Array} bytes rows of the palette, the lowest row of the picture first
 * @param {[number, number]} shape
 * @param {Uint8Array} palette red, green, blue and opacity of each colour
 */
function paint(bytes, [rows, columns], palette) {
  const picture = document.createElement("canvas");
  [picture.width, picture.height] = [columns, rows];
  const context = penOf(picture);
  const image = context.createImageData(columns, rows);
  const colours = new Uint32Array(palette.slice().buffer);
  const pixels = new Uint32Array(image.data.buffer);
  for (let y = 0; y < rows; y += 1) {
    const to = (rows - 1 - y) * columns;
    for (let x = 0; x < columns; x += 1) pixels[to + x] = colours[bytes[y * columns + x]];
  }
  context.putImageData(image, 0, 0);
  return picture;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {{x: number, y: number, width: number, height: number}} box
 * @param {Cut} cut
 * @param {Float32Array} values line after line
 * @param {Panel[]} lines what each is of
 * @param {Colours} colours
 * @param {number} scale pixels of the screen to one of the page
 */
function drawCut(context, box, cut, values, lines, colours, scale) {
  // By the last two, median and corrected: a track in one exposure would leave them flat.
  const [low, high] = limitsOf(values.subarray((cut.lines - 2) * cut.n), ROOM);
  const font = 10 * scale;
  context.font = `${font}px ${colours.font}`;
  const left = box.x + 4 * scale
    + Math.max(...[low, high].map((v) => context.measureText(brief(v)).width));
  const frame = {
    x: left, y: box.y, width: box.x + box.width - left, height: box.height - font - 6 * scale,
  };
  /** @param {number} i */
  const at = (i) => frame.x + ((i + 0.5) / cut.n) * frame.width;
  context.fillStyle = colours.mark;
  context.fillRect(
    frame.x + ((cut.at - cut.first) / cut.n) * frame.width, frame.y, frame.width / cut.n,
    frame.height,
  );
  context.strokeStyle = colours.line;
  context.lineWidth = scale;
  context.strokeRect(frame.x, frame.y, frame.width, frame.height);
  context.fillStyle = colours.quiet;
  context.textBaseline = "middle";
  context.textAlign = "right";
  context.fillText(brief(high), left - 3 * scale, frame.y + font / 2);
  context.fillText(brief(low), left - 3 * scale, frame.y + frame.height - font / 2);
  context.textBaseline = "alphabetic";
  const under = box.y + box.height - 3 * scale;
  const [first, last] = [String(cut.first), String(cut.first + cut.n - 1)];
  context.textAlign = "left";
  context.fillText(first, frame.x, under);
  context.textAlign = "right";
  context.fillText(last, frame.x + frame.width, under);
  context.textAlign = "center";
  /** @param {string} text */
  const wide = (text) => context.measureText(text).width;
  const room = frame.width - 2 * Math.max(wide(first), wide(last)) - 12 * scale;
  const [short] = cut.label.split(",");
  context.fillText(wide(cut.label) < room ? cut.label : short, frame.x + frame.width / 2, under);
  context.save();
  context.beginPath();
  context.rect(frame.x, frame.y, frame.width, frame.height);
  context.clip();
  for (let k = 0; k < cut.lines; k += 1) {
    context.beginPath();
    let pen = false;
    for (let i = 0; i < cut.n; i += 1) {
      const value = values[k * cut.n + i];
      const y = frame.y + (1 - (value - low) / (high - low)) * frame.height;
      if (Number.isFinite(value)) context[pen ? "lineTo" : "moveTo"](at(i), y);
      pen = Number.isFinite(value);
    }
    context.strokeStyle = lines[k].line;
    context.lineWidth = (lines[k].name === "median" ? 2 : 1.3) * scale;
    context.setLineDash(lines[k].name === "corrected" ? [4 * scale, 3 * scale] : []);
    context.stroke();
  }
  context.restore();
}

/** The pictures lie on a stage that is dark in both themes. @param {HTMLElement} el */
function themeOf(el) {
  const style = getComputedStyle(el);
  /** @param {string} name @param {string} otherwise */
  const read = (name, otherwise) => style.getPropertyValue(`--crmasks-${name}`).trim() || otherwise;
  return {
    stage: read("stage", "#26282f"), quiet: read("stage-text", "#c9ccd3"), line: "#5d616e",
    mark: "rgb(240 180 0 / 26%)", font: style.fontFamily || "sans-serif",
  };
}

/** The rarer tools, behind one icon. @param {Act} act */
function moreTools(act) {
  /** @param {string} words @param {string} title @param {() => void} action */
  const row = (words, title, action) => {
    const made = element("button", { type: "button", textContent: words, title });
    made.addEventListener("click", action);
    return made;
  };
  /** @param {string} label */
  const width = (label) => element("input", {
    type: "number", min: "1", max: "99", step: "2", title: `Odd width in ${label}, pixels`,
    aria: { label: `Odd width in ${label} of the window of a local median, pixels` },
  });
  const [x, y] = [width("x"), width("y")];
  for (const one of [x, y]) {
    one.addEventListener("change", () => act("widths", [Number(x.value), Number(y.value)]));
  }
  const stretch = element("select", { aria: { label: "Stretch of the pictures of hits" } });
  stretch.addEventListener("change", () => act("stretch", stretch.value));
  const local = row(
    "Local median", "Click a pixel that the median of its neighbours shall replace; again: not",
    () => act("tool", "local median"),
  );
  const box = element(
    "div", { className: "crmasks-hit-more", popover: "auto" },
    row("No cosmic ray in any exposure (N)", "Keep its pixels out of every mask",
      () => act("judge", "ignored")),
    row("Fewer pixels, larger (+)", "", () => act("resize", -3)),
    row("More pixels around (−)", "", () => act("resize", 3)),
    element("span", {}, local, " x ", x, " y ", y),
    element("span", {}, "stretch of all hits ", stretch),
    row("Save PNG (s)", "Save the picture as it is on screen", () => act("save", true)),
  );
  /** @param {State} state */
  const show = (state) => {
    if (stretch.length !== state.stretches.length) {
      stretch.replaceChildren(...state.stretches.map((name) =>
        element("option", { value: name, textContent: name })));
    }
    stretch.value = state.stretch;
    local.setAttribute("aria-pressed", String(state.tool === "local median"));
    if (document.activeElement !== x) x.value = String(state.widths[0]);
    if (document.activeElement !== y) y.value = String(state.widths[1]);
  };
  return { box, show };
}

/** @param {Widget} widget */
function render({ model, el }) {
  // "at" tells which hit is seen: another one may be selected by now.
  /** @type {Act} */
  const act = (what, value) => model.send({ event: "do", what, value, at: model.get("state").at ?? -1 });
  const title = element("div", { className: "crmasks-hit-title" });
  const why = element("div", { className: "crmasks-hit-why crmasks-quiet" });
  const cube = iconButton("cube", "In 3-D (c)", () => act("solid", true));
  const place = element("div", { className: "crmasks-hit-picture crmasks-plot crmasks-plot-hit" });
  const canvas = element("canvas");
  place.append(canvas);
  const empty = element("div", { className: "crmasks-hit-empty crmasks-quiet" });
  const judges = VERDICTS.map(([verdict, sign, words, key, help]) => {
    const made = element(
      "button", { type: "button", className: "crmasks-verdict", title: help },
      ...(sign ? [`${sign} `] : []), words, element("kbd", { textContent: key }),
    );
    made.dataset.verdict = verdict;
    made.addEventListener("click", () => act("judge", verdict));
    return made;
  });
  const tools = TOOLS.map(([tool, help]) => {
    const made = iconButton(tool, help, () => act("tool", tool));
    made.dataset.tool = tool;
    return made;
  });
  const { box, show } = moreTools(act);
  const more = iconButton("more", "More tools", () => {});
  more.popoverTargetElement = box;
  box.addEventListener("beforetoggle", () => {
    const from = more.getBoundingClientRect();
    box.style.right = `${Math.max(4, window.innerWidth - from.right)}px`;
    box.style.bottom = `${window.innerHeight - from.top + 4}px`;
  });
  const foot = element(
    "div", { className: "crmasks-hit-foot" }, ...judges,
    element("span", { className: "crmasks-spring" }), ...tools, more, box,
  );
  el.classList.add("crmasks-hit");
  el.append(
    element("div", { className: "crmasks-hit-top" }, element("div", {}, title, why), cube),
    place, empty, foot,
  );

  /** @type {Picture | null} */
  let picture = null;
  const draw = () => {
    const context = penOf(canvas);
    const [width, height, scale] = sizeOf();
    if (!width || !height) return;
    [canvas.width, canvas.height] = [width, height];
    if (!picture) return;
    const colours = themeOf(el);
    context.fillStyle = colours.stage;
    context.fillRect(0, 0, width, height);
    context.imageSmoothingEnabled = false;
    context.drawImage(picture.image, 0, picture.top);
    context.font = `${10 * scale}px ${colours.font}`;
    context.textBaseline = "alphabetic";
    for (const panel of picture.panels) {
      context.textAlign = "left";
      let { x } = panel;
      if (panel.line) {
        context.fillStyle = panel.line;
        context.fillRect(x, panel.y - 6 * scale, 7 * scale, 2.5 * scale);
        x += 10 * scale;
      }
      context.fillStyle = colours.quiet;
      const words = panel.width > 76 * scale ? panel.name.replace("exp.", "exposure") : panel.name;
      context.fillText(words, x, panel.y - 3 * scale, panel.width - (x - panel.x) - scale);
    }
    const low = picture.top + picture.shape[0] + 8 * scale;
    const room = { y: low, height: height - low };
    if (!picture.cuts.length || room.height < 30 * scale) return;
    const each = (width - 10 * scale) / picture.cuts.length;
    const lines = picture.panels.filter((panel) => panel.line);
    const { cuts, values } = picture;
    cuts.forEach((cut, k) => {
      const area = { ...room, x: k * (each + 10 * scale), width: each };
      drawCut(context, area, cut, values[k], lines, colours, scale);
    });
  };

  const sizeOf = () => {
    const scale = window.devicePixelRatio || 1;
    return [canvas.clientWidth, canvas.clientHeight].map((side) => Math.round(side * scale)).concat(scale);
  };
  const measure = () => {
    const size = sizeOf();
    if (!size[0] || !size[1]) return;
    if (JSON.stringify(size) === JSON.stringify(model.get("size"))) return draw();
    model.set("size", size);
    model.save_changes();
    draw();
  };
  /** @param {Told} message @param {DataView[]} buffers */
  const receive = (message, buffers) => {
    if (message.event === "save") {
      const link = element("a", { href: canvas.toDataURL("image/png"), download: message.name });
      link.click();
    }
    if (message.event !== "picture") return;
    /** @param {DataView} view */
    const bytes = (view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    const palette = bytes(model.get("palette"));
    const values = buffers.slice(1).map((view) => new Float32Array(bytes(view).slice().buffer));
    const image = paint(bytes(buffers[0]), message.shape, palette);
    picture = { ...message, image, values };
    el.dataset.drawn = message.name;
    draw();
  };
  canvas.addEventListener("click", (event) => {
    if (!picture) return;
    const area = canvas.getBoundingClientRect();
    const x = ((event.clientX - area.left) / area.width) * canvas.width;
    const y = ((event.clientY - area.top) / area.height) * canvas.height;
    const up = picture.top + picture.shape[0] - y;
    model.send({ event: "click", x, y: up, layout: picture.layout });
  });

  const follow = () => {
    /** @type {State} */
    const state = model.get("state");
    if (state.empty === undefined) return;
    const nothing = state.empty !== "";
    el.classList.toggle("crmasks-nothing", nothing);
    el.classList.toggle("crmasks-solid", Boolean(state.solid));
    empty.textContent = state.empty;
    cube.setAttribute("aria-pressed", String(Boolean(state.solid)));
    if (nothing) {
      title.replaceChildren(element("b", { textContent: "No hit selected" }));
      why.textContent = "";
    } else {
      const dot = element("span", { className: "crmasks-dot" });
      dot.style.background = state.tone;
      title.replaceChildren(
        element("b", { textContent: state.name }), dot, element("span", { textContent: state.kind }),
        element("span", { className: "crmasks-quiet", textContent: state.place }),
      );
      why.textContent = state.why;
      why.title = state.reason;
      canvas.title = state.cuts;
    }
    for (const button of judges) {
      button.disabled = nothing || !state.can_judge;
      button.setAttribute("aria-pressed", String(button.dataset.verdict === state.verdict));
    }
    for (const button of tools) {
      button.setAttribute("aria-pressed", String(button.dataset.tool === state.tool));
    }
    canvas.style.cursor = state.tool === "look" ? "" : "crosshair";
    show(state);
  };

  model.on("msg:custom", receive);
  model.on("change:state", follow);
  const sized = new ResizeObserver(measure);
  sized.observe(place);
  const themed = new MutationObserver(draw);
  themed.observe(document.body, { attributeFilter: ["data-jp-theme-light", "data-jp-theme-name"] });
  follow();
  measure();
  // A page that comes late asks for what it has missed.
  act("draw", true);
  return () => {
    sized.disconnect();
    themed.disconnect();
    model.off("msg:custom", receive);
    model.off("change:state", follow);
  };
}

export default { initialize, render };
