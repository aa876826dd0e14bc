// The hits as cards on one canvas. Only what is on screen and near it is asked for and kept, so
// that ten thousand hits scroll as ten do.

const GAP = 5; // between cards, and around them
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
  /** @param {number} columns @returns {Grid} */
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

/** @typedef {{event: "cards", first: number, fresh: boolean, cards: Sent[]}} Told what the kernel says */

/** @param {Widget} widget */
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
  /** @type {[number, number] | null} the window that is on its way */
  let asked = null;
  let hovered = -1;
  let grid = layout(300, 100, model.get("panels"), 0);
  /** @type {Uint8ClampedArray} */
  let palette = new Uint8ClampedArray(1024);
  let planned = 0;

  /** @returns {number} */
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

  /** @param {Told} message @param {DataView[]} buffers */
  const receive = (message, buffers) => {
    if (message.event !== "cards") return;
    const bytes = buffers[0];
    const data = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (message.fresh) cards.clear();
    asked = null;
    const panels = model.get("panels");
    let from = 0;
    message.cards.forEach((card, i) => {
      const size = panels * card.side * card.side;
      const picture = paint(data.subarray(from, from + size), panels, card.side, palette);
      from += size;
      cards.set(message.first + i, { ...card, picture });
    });
    const [first, last] = shown();
    const far = KEPT * Math.max(20, last - first);
    for (const key of cards.keys()) if (key < first - far || key >= last + far) cards.delete(key);
    ask();
    plan();
  };

  /** @param {MouseEvent} event */
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
    /** @type {DataView} */
    const bytes = model.get("palette");
    palette = new Uint8ClampedArray(bytes.buffer, bytes.byteOffset, bytes.byteLength);
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
  const listeners = {
    "change:palette": takePalette, "change:count": recount, "change:panels": arrange,
    "change:empty": arrange, "change:selected": follow, "change:spoken": follow,
  };
  for (const [name, action] of Object.entries(listeners)) model.on(name, action);
  const sized = new ResizeObserver(arrange);
  sized.observe(scroller);
  const themed = new MutationObserver(plan);
  themed.observe(document.body, { attributeFilter: ["data-jp-theme-light", "data-jp-theme-name"] });
  arrange();
  return () => {
    sized.disconnect();
    themed.disconnect();
    model.off("msg:custom", receive);
    for (const [name, action] of Object.entries(listeners)) model.off(name, action);
  };
}

export default { initialize, render };
