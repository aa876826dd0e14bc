// The hits as cards on one canvas. Only what is on screen and near it is asked for and kept, so
// that ten thousand hits scroll as ten do.

/**
 * @typedef {Object} Card
 * @property {number} at which hit it is: flat index of its peak
 * @property {string} name number of the hit, or a dash
 * @property {string} kind its class or method, in a word
 * @property {string} tone colour of the kind
 * @property {string} strength how far it stands out
 * @property {string} place where it is, and how large
 * @property {string} verdict "confirmed", "rejected", "ignored" or "undecided"
 * @property {number} side pixels of a side of its stamps
 * @property {boolean} chosen whether a verdict would be for it, too
 * @property {boolean} brushed whether it is in the selected area of the diagram
 * @property {HTMLCanvasElement} [picture] its stamps side by side
 */

/**
 * @typedef {Object} Grid
 * @property {number} columns cards side by side
 * @property {number} stamp side of a stamp
 * @property {number} width of a card
 * @property {number} height of a card
 * @property {number} total height of all rows
 */

const GAP = 5; // between cards, and around them
const INSET = 3; // inside a card, left and right
const WORDS = 6; // where the words of its head begin and end
const BETWEEN = 2; // stamps
const HEAD = 22;
const NAMES = 12; // of the stamps, above them
const END = 3; // below the stamps
const BUTTON = { width: 20, height: 16, gap: 3 };
const STAMP = { least: 40, largest: 88 };
const KEPT = 3; // screens of cards on either side

/**
 * Lay out cards so that they fill the width: as large as lets all be seen at once, else small.
 * @param {number} width of the gallery
 * @param {number} height of the gallery
 * @param {number} panels stamps on a card
 * @param {number} count cards
 * @returns {Grid}
 */
export function layout(width, height, panels, count) {
  const around = 2 * INSET + (panels - 1) * BETWEEN;
  const room = Math.max(60, width - GAP);
  const most = Math.max(1, Math.floor(room / (panels * STAMP.least + around + GAP)));
  const made = (columns) => {
    const widest = room / columns - GAP;
    const fitting = Math.floor((widest - around) / panels);
    const stamp = Math.min(STAMP.largest, Math.max(8, fitting));
    const tall = HEAD + NAMES + stamp + END;
    const wide = stamp < STAMP.largest ? widest : Math.min(widest, panels * stamp + around);
    const total = Math.ceil(count / columns) * (tall + GAP) + GAP;
    return { columns, stamp, width: wide, height: tall, total };
  };
  for (let columns = 1; columns < most; columns += 1) {
    const grid = made(columns);
    if (grid.total <= height) return grid;
  }
  return made(most);
}

/**
 * Where a card lies, from the top of all.
 * @param {Grid} grid
 * @param {number} position
 */
export function corner(grid, position) {
  return {
    x: GAP + (position % grid.columns) * (grid.width + GAP),
    y: GAP + Math.floor(position / grid.columns) * (grid.height + GAP),
  };
}

/**
 * Cards that a part of the height shows: the first, and the one after the last.
 * @param {Grid} grid
 * @param {number} top
 * @param {number} height
 * @param {number} count
 * @returns {[number, number]}
 */
export function visible(grid, top, height, count) {
  const row = grid.height + GAP;
  const first = Math.max(0, Math.floor((top - GAP) / row)) * grid.columns;
  const last = Math.ceil((top + height) / row) * grid.columns;
  return [Math.min(first, count), Math.min(last, count)];
}

/**
 * What lies at a point: a card, and a verdict if it is on one of its buttons.
 * @param {Grid} grid
 * @param {number} x
 * @param {number} y from the top of all
 * @param {number} count
 * @returns {{position: number, verdict: string} | null}
 */
export function at(grid, x, y, count) {
  const column = Math.floor((x - GAP) / (grid.width + GAP));
  const row = Math.floor((y - GAP) / (grid.height + GAP));
  const position = row * grid.columns + column;
  if (column < 0 || column >= grid.columns || row < 0 || position >= count) return null;
  const { x: left, y: top } = corner(grid, position);
  const dx = x - left;
  const dy = y - top;
  if (dx > grid.width || dy > grid.height) return null;
  const along = dx - buttonsLeft(grid);
  const step = BUTTON.width + BUTTON.gap;
  const onButton = dy < HEAD && along >= 0 && along % step <= BUTTON.width;
  const verdict = ["confirmed", "rejected"][Math.floor(along / step)];
  return { position, verdict: onButton ? (verdict ?? "") : "" };
}

/** @param {Grid} grid */
function buttonsLeft(grid) {
  return grid.width - INSET - 2 * BUTTON.width - BUTTON.gap;
}

/**
 * Paint the stamps of a card.
 * @param {Uint8Array} indices rows of the palette, stamp by stamp, the lowest row first
 * @param {number} panels
 * @param {number} side
 * @param {Uint8ClampedArray} palette
 */
function paint(indices, panels, side, palette) {
  const picture = document.createElement("canvas");
  picture.width = panels * side;
  picture.height = side;
  const context = penOf(picture);
  const image = context.createImageData(panels * side, side);
  for (let k = 0, i = 0; k < panels; k += 1) {
    for (let y = side - 1; y >= 0; y -= 1) {
      for (let x = 0; x < side; x += 1, i += 1) {
        const to = 4 * (y * panels * side + k * side + x);
        const from = 4 * indices[i];
        for (let c = 0; c < 4; c += 1) image.data[to + c] = palette[from + c];
      }
    }
  }
  context.putImageData(image, 0, 0);
  return picture;
}

/** Colours of the theme, as the style sheet has them. */
function theme(element) {
  const style = getComputedStyle(element);
  const read = (name, otherwise) => style.getPropertyValue(`--crmasks-${name}`).trim() || otherwise;
  return {
    text: read("text", "#1f1f1f"), quiet: read("quiet", "#5f5f5f"), paper: read("paper", "#fff"),
    line: read("line", "#ddd"), accent: read("accent", "#1976d2"), yes: read("yes", "#00875f"),
    no: read("no", "#c2410c"), select: read("select", "#f0b400"),
    stage: read("stage", "#26282f"), stageText: read("stage-text", "#c9ccd3"),
    font: style.fontFamily || "sans-serif",
  };
}

function drawButton(context, colours, x, y, sign, filled, tone) {
  context.beginPath();
  context.roundRect(x + 0.5, y + 0.5, BUTTON.width - 1, BUTTON.height - 1, 4);
  context.fillStyle = filled ? tone : colours.paper;
  context.strokeStyle = filled ? tone : colours.line;
  context.lineWidth = 1;
  context.fill();
  context.stroke();
  context.beginPath();
  const [cx, cy] = [x + BUTTON.width / 2, y + BUTTON.height / 2];
  if (sign === "check") {
    context.moveTo(cx - 4, cy);
    context.lineTo(cx - 1, cy + 3);
    context.lineTo(cx + 4, cy - 3.5);
  } else {
    context.moveTo(cx - 3, cy - 3);
    context.lineTo(cx + 3, cy + 3);
    context.moveTo(cx + 3, cy - 3);
    context.lineTo(cx - 3, cy + 3);
  }
  context.strokeStyle = filled ? "#fff" : colours.quiet;
  context.lineWidth = 1.6;
  context.stroke();
}

/**
 * Names of the stamps of a card, in the room that there is for one.
 * @param {number} panels stamps: exposures, median, corrected
 * @param {number} stamp side of one
 * @returns {string[]}
 */
export function namesOf(panels, stamp) {
  const exposures = Array.from({ length: panels - 2 }, (_, i) => String(i + 1));
  return [...exposures, ...(stamp < 46 ? ["med.", "corr."] : ["median", "corrected"])];
}

/** A text that ends before a width, with dots where it is cut. */
function fitted(context, text, width) {
  if (context.measureText(text).width <= width) return text;
  let kept = text;
  while (kept && context.measureText(`${kept}…`).width > width) kept = kept.slice(0, -1);
  return `${kept}…`;
}

function drawFrame(context, colours, grid, card, { selected, hovered }) {
  context.beginPath();
  context.roundRect(0.5, 0.5, grid.width - 1, grid.height - 1, 6);
  context.fillStyle = colours.paper;
  context.fill();
  if (selected || card?.chosen) {
    context.save();
    context.globalAlpha = 0.12;
    context.fillStyle = colours.select;
    context.fill();
    context.restore();
  }
  context.lineWidth = selected ? 2 : 1;
  context.strokeStyle = selected || card?.chosen ? colours.select
    : hovered ? colours.quiet : colours.line;
  context.stroke();
}

/** What the stamps lie on: dark in both themes, as the image. */
function drawStrip(context, colours, grid, { selected }) {
  const inset = selected ? 2 : 1;
  const [width, height] = [grid.width - 2 * inset, grid.height - HEAD - inset];
  context.beginPath();
  context.roundRect(inset, HEAD, width, height, [0, 0, 5, 5]);
  context.fillStyle = colours.stage;
  context.fill();
}

function drawHead(context, colours, grid, card, out) {
  const y = HEAD / 2 + 1;
  const right = buttonsLeft(grid) - WORDS;
  context.textBaseline = "middle";
  context.font = `12px ${colours.font}`;
  const strength = context.measureText(card.strength).width;
  context.fillStyle = colours.quiet;
  context.textAlign = "right";
  context.fillText(card.strength, right, y);
  context.textAlign = "left";
  context.fillStyle = colours.text;
  context.font = `600 12px ${colours.font}`;
  context.fillText(card.name, WORDS, y);
  let x = WORDS + context.measureText(card.name).width + 9;
  context.beginPath();
  context.arc(x, y, 3.5, 0, 2 * Math.PI);
  context.fillStyle = card.tone;
  context.fill();
  x += 8;
  context.font = `12px ${colours.font}`;
  context.fillStyle = colours.text;
  const kind = fitted(context, card.brushed ? `◆ ${card.kind}` : card.kind, right - strength - x - 6);
  context.fillText(kind, x, y);
  if (out) {
    context.fillRect(WORDS - 2, y, x + context.measureText(kind).width - WORDS + 4, 1.5);
  }
}

function drawCard(context, colours, grid, card, panels, state) {
  drawFrame(context, colours, grid, card, state);
  if (!card) return;
  const out = card.verdict === "rejected" || card.verdict === "ignored";
  context.save();
  if (out) context.globalAlpha = 0.5;
  drawHead(context, colours, grid, card, out);
  context.globalAlpha = 1;
  drawStrip(context, colours, grid, state);
  context.imageSmoothingEnabled = false;
  context.font = `9px ${colours.font}`;
  context.textAlign = "center";
  if (out) context.globalAlpha = 0.35;
  namesOf(panels, grid.stamp).forEach((name, k) => {
    const x = INSET + k * (grid.stamp + BETWEEN);
    context.fillStyle = colours.stageText;
    context.fillText(name, x + grid.stamp / 2, HEAD + NAMES / 2 + 0.5, grid.stamp);
    context.drawImage(
      card.picture, k * card.side, 0, card.side, card.side, x, HEAD + NAMES, grid.stamp, grid.stamp,
    );
  });
  context.restore();
  const [x, y] = [buttonsLeft(grid), (HEAD - BUTTON.height) / 2];
  const yes = card.verdict === "confirmed";
  drawButton(context, colours, x, y, "check", yes, colours.yes);
  drawButton(context, colours, x + BUTTON.width + BUTTON.gap, y, "cross", out, colours.no);
}

function render({ model, el }) {
  el.classList.add("crmasks-gallery-host");
  const scroller = document.createElement("div");
  scroller.className = "crmasks-gallery";
  scroller.tabIndex = 0;
  scroller.setAttribute("role", "listbox");
  scroller.setAttribute("aria-label", "Hits: arrows go through them, y n u judge");
  const canvas = document.createElement("canvas");
  canvas.setAttribute("aria-hidden", "true");
  const sizer = document.createElement("div");
  const spoken = document.createElement("div");
  spoken.className = "crmasks-spoken";
  spoken.setAttribute("aria-live", "polite");
  const empty = document.createElement("div");
  empty.className = "crmasks-gallery-empty";
  sizer.append(canvas);
  scroller.append(sizer);
  el.append(scroller, empty, spoken);

  /** @type {Map<number, Card>} */
  const cards = new Map();
  let asked = null; // the window that is on its way
  let hovered = -1;
  let grid = layout(300, 100, model.get("panels"), 0);
  let palette = new Uint8ClampedArray(1024);
  let planned = 0;

  const count = () => model.get("count");
  const shown = () => visible(grid, scroller.scrollTop, scroller.clientHeight, count());

  const ask = () => {
    const [first, last] = shown();
    let missing = false;
    for (let i = first; i < last; i += 1) missing ||= !cards.has(i);
    const covered = asked && asked[0] <= first && asked[1] >= last;
    if (first === last || !missing || covered) return;
    const more = last - first;
    asked = [Math.max(0, first - more), Math.min(count(), last + more)];
    model.send({ event: "window", first: asked[0], last: asked[1] });
  };

  const draw = () => {
    planned = 0;
    const { clientWidth: width, clientHeight: height, scrollTop: top } = scroller;
    if (!width || !height) return;
    const scale = window.devicePixelRatio || 1;
    const pixels = [Math.round(width * scale), Math.round(height * scale)];
    if (canvas.width !== pixels[0]) canvas.width = pixels[0];
    if (canvas.height !== pixels[1]) canvas.height = pixels[1];
    Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
    const context = penOf(canvas);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    const colours = theme(el);
    const [first, last] = shown();
    for (let i = first; i < last; i += 1) {
      const { x, y } = corner(grid, i);
      // Whole pixels of the screen: stamps stay sharp.
      context.setTransform(
        scale, 0, 0, scale, Math.round(x * scale), Math.round((y - top) * scale),
      );
      const state = { selected: i === model.get("selected"), hovered: i === hovered };
      drawCard(context, colours, grid, cards.get(i), model.get("panels"), state);
    }
    // For tests, which cannot read a canvas.
    el.dataset.drawn = [first, last, cards.size].join(" ");
  };
  const plan = () => {
    planned ||= requestAnimationFrame(draw);
  };

  const arrange = () => {
    if (!scroller.clientWidth) return;
    const before = grid.columns;
    grid = layout(scroller.clientWidth, scroller.clientHeight, model.get("panels"), count());
    sizer.style.height = `${Math.max(grid.total, 0)}px`;
    empty.hidden = count() > 0;
    empty.textContent = model.get("empty");
    if (before !== grid.columns) bring();
    ask();
    plan();
  };

  /** Other cards: what is selected is on screen, and without it the first, which is asked for first. */
  const recount = () => {
    arrange();
    if (model.get("selected") < 0) scroller.scrollTop = 0;
    else bring();
  };

  /** Bring the selected card on screen, by as little as needed. */
  const bring = () => {
    const selected = model.get("selected");
    if (selected < 0 || !scroller.clientHeight) return;
    const { y } = corner(grid, selected);
    const lowest = y + grid.height + GAP - scroller.clientHeight;
    if (scroller.scrollTop > y - GAP) scroller.scrollTop = y - GAP;
    else if (scroller.scrollTop < lowest) scroller.scrollTop = lowest;
  };

  const receive = (message, buffers) => {
    if (message.event !== "cards") return;
    const bytes = buffers[0];
    const data = new Uint8Array(bytes.buffer ?? bytes, bytes.byteOffset ?? 0, bytes.byteLength);
    if (message.fresh) cards.clear();
    asked = null;
    const panels = model.get("panels");
    let from = 0;
    message.cards.forEach((card, i) => {
      const size = panels * card.side * card.side;
      card.picture = paint(data.subarray(from, from + size), panels, card.side, palette);
      from += size;
      cards.set(message.first + i, card);
    });
    const [first, last] = shown();
    const far = KEPT * Math.max(20, last - first);
    for (const key of cards.keys()) if (key < first - far || key >= last + far) cards.delete(key);
    ask();
    plan();
  };

  const pointed = (event) => {
    const box = canvas.getBoundingClientRect();
    const y = event.clientY - box.top + scroller.scrollTop;
    return at(grid, event.clientX - box.left, y, count());
  };
  scroller.addEventListener("scroll", () => { ask(); plan(); }, { passive: true });
  scroller.addEventListener("pointermove", (event) => {
    const found = pointed(event);
    canvas.style.cursor = found ? "pointer" : "";
    if ((found?.position ?? -1) === hovered) return;
    hovered = found?.position ?? -1;
    scroller.title = cards.get(hovered)?.place ?? "";
    plan();
  });
  scroller.addEventListener("pointerleave", () => { hovered = -1; plan(); });
  scroller.addEventListener("click", (event) => {
    const found = pointed(event);
    const card = found && cards.get(found.position);
    if (!card) return;
    // What is meant is the hit that is seen, which may have another place by now.
    const { at: hit, verdict: given } = card;
    const { verdict } = found;
    if (verdict) {
      model.send({ event: "judge", at: hit, verdict: verdict === given ? "undecided" : verdict });
    } else {
      const more = event.ctrlKey || event.metaKey;
      model.send({ event: "pick", at: hit, more, up_to: event.shiftKey });
    }
  });
  scroller.addEventListener("keydown", (event) => {
    const page = grid.columns * Math.max(1, Math.floor(scroller.clientHeight / grid.height));
    const by = {
      ArrowRight: 1, ArrowLeft: -1, ArrowDown: grid.columns, ArrowUp: -grid.columns,
      PageDown: page, PageUp: -page, Home: -count(), End: count(),
    }[event.key];
    if (by === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    // Not where to: while the kernel is busy, a key held down goes on from what it selects next.
    model.send({ event: "step", by, up_to: event.shiftKey });
  });

  const takePalette = () => {
    const bytes = model.get("palette");
    palette = new Uint8ClampedArray(bytes.buffer ?? bytes, bytes.byteOffset ?? 0, bytes.byteLength);
  };
  const follow = () => {
    spoken.textContent = model.get("spoken");
    bring();
    ask();
    plan();
  };
  takePalette();
  spoken.textContent = model.get("spoken");
  model.on("msg:custom", receive);
  model.on("change:palette", takePalette);
  model.on("change:count", recount);
  model.on("change:panels", arrange);
  model.on("change:empty", arrange);
  model.on("change:selected", follow);
  model.on("change:spoken", follow);
  const sized = new ResizeObserver(arrange);
  sized.observe(scroller);
  const themed = new MutationObserver(plan);
  themed.observe(document.body, { attributeFilter: ["data-jp-theme-light", "data-jp-theme-name"] });
  arrange();
  return () => {
    sized.disconnect();
    themed.disconnect();
    model.off("msg:custom", receive);
    for (const [name, action] of [
      ["palette", takePalette], ["count", recount], ["panels", arrange], ["selected", follow],
      ["spoken", follow], ["empty", arrange],
    ]) model.off(`change:${name}`, action);
  };
}

export default { initialize, render };
