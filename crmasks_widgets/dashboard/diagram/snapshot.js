// A picture of a plot as it is on screen, made of what the page holds: bqplot's own leaves out the
// line, which lies over its figure.

const SHAPES = "image, path, line, rect, circle, text, img, i";
const UNSEEN = "defs, clipPath, .crmasks-exact, .plotarea_background";

/** @typedef {CanvasRenderingContext2D} Pen */

/**
 * Saves what is inside a box of the page as PNG, at the resolution of the screen.
 * @param {Element} plot
 * @param {Element} clip what the data lie in
 * @param {string} name of the file
 */
async function saveSnapshot(plot, clip, name) {
  const box = plot.getBoundingClientRect();
  const ratio = window.devicePixelRatio || 1;
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [box.width, box.height].map((side) => Math.round(side * ratio));
  const context = penOf(canvas);
  context.scale(ratio, ratio);
  context.fillStyle = backgroundOf(plot);
  context.fillRect(0, 0, box.width, box.height);
  context.imageSmoothingEnabled = false;
  const inside = clip.getBoundingClientRect();
  for (const node of plot.querySelectorAll(SHAPES)) {
    const style = getComputedStyle(node);
    const seen = style.visibility !== "hidden" && node.getClientRects().length;
    if (!seen || !opaque(node, plot) || node.closest(UNSEEN)) continue;
    context.save();
    if (node.closest("image, .crmasks-hand") && !node.closest(".crmasks-legend")) {
      context.beginPath();
      context.rect(inside.left - box.left, inside.top - box.top, inside.width, inside.height);
      context.clip();
    }
    if (node instanceof SVGGraphicsElement) await drawShape(context, node, style, ratio, box);
    else drawWord(context, node, style, box);
    context.restore();
  }
  const link = document.createElement("a");
  link.href = canvas.toDataURL("image/png");
  link.download = name;
  link.click();
}

/** What catches the pointer is there, but nobody sees it. @param {Element} node @param {Element} plot */
function opaque(node, plot) {
  /** @type {Element | null} */
  let at = node;
  for (; at && at !== plot; at = at.parentElement) {
    if (getComputedStyle(at).opacity === "0") return false;
  }
  return true;
}

/** @param {Element} node */
function backgroundOf(node) {
  /** @type {Element | null} */
  let at = node;
  for (; at; at = at.parentElement) {
    const colour = getComputedStyle(at).backgroundColor;
    if (colour && colour !== "transparent" && !/, 0\)$/.test(colour)) return colour;
  }
  return "white";
}

/**
 * @param {Pen} context
 * @param {SVGGraphicsElement} node
 * @param {CSSStyleDeclaration} style
 * @param {number} ratio pixels of the screen to one of the page
 * @param {DOMRect} box of the plot
 */
async function drawShape(context, node, style, ratio, box) {
  const m = node.getScreenCTM();
  if (!m) return;
  const [e, f] = [m.e - box.left, m.f - box.top];
  context.setTransform(ratio * m.a, ratio * m.b, ratio * m.c, ratio * m.d, ratio * e, ratio * f);
  /** @param {string} key */
  const at = (key) => Number(node.getAttribute(key) ?? 0);
  if (node.tagName === "image") {
    const picture = new Image();
    picture.src = node.getAttribute("href") ?? "";
    await picture.decode();
    context.drawImage(picture, at("x"), at("y"), at("width"), at("height"));
    return;
  }
  context.lineWidth = parseFloat(style.strokeWidth) || 1;
  const dashes = style.strokeDasharray;
  context.setLineDash(dashes === "none" ? [] : dashes.split(/[ ,]+/).map(parseFloat));
  [context.strokeStyle, context.fillStyle] = [style.stroke, style.fill];
  if (node instanceof SVGTextElement) {
    if (!node.textContent) return;
    context.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
    const { x, y } = node.getStartPositionOfChar(0);
    if (style.stroke !== "none") context.strokeText(node.textContent, x, y);
    context.fillText(node.textContent, x, y);
    return;
  }
  const outline = outlineOf(node, at);
  if (style.fill !== "none") {
    context.globalAlpha = Number(style.fillOpacity);
    context.fill(outline);
  }
  context.globalAlpha = Number(style.strokeOpacity);
  if (style.stroke !== "none") context.stroke(outline);
}

/** @param {Element} node @param {(key: string) => number} at value of an attribute of it */
function outlineOf(node, at) {
  if (node.tagName === "path") return new Path2D(node.getAttribute("d") ?? "");
  const outline = new Path2D();
  if (node.tagName === "rect") outline.rect(at("x"), at("y"), at("width"), at("height"));
  if (node.tagName === "circle") outline.arc(at("cx"), at("cy"), at("r"), 0, 2 * Math.PI);
  if (node.tagName === "line") {
    outline.moveTo(at("x1"), at("y1"));
    outline.lineTo(at("x2"), at("y2"));
  }
  return outline;
}

/**
 * An entry of the legend: its sign, and the word after it.
 * @param {Pen} context
 * @param {Element} node
 * @param {CSSStyleDeclaration} style
 * @param {DOMRect} box of the plot
 */
function drawWord(context, node, style, box) {
  const { left, top, width, height } = node.getBoundingClientRect();
  const [x, y] = [left - box.left, top - box.top];
  if (node instanceof HTMLImageElement) context.drawImage(node, x, y, width, height);
  else {
    context.fillStyle = style.borderTopColor;
    context.fillRect(x, y, width, parseFloat(style.borderTopWidth));
  }
  const words = node.nextSibling;
  if (!(words instanceof Text)) return;
  const range = document.createRange();
  range.selectNode(words);
  const place = range.getBoundingClientRect();
  context.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
  context.fillStyle = style.color;
  context.textBaseline = "middle";
  const middle = (place.top + place.bottom) / 2;
  context.fillText(words.data, place.left - box.left, middle - box.top);
}
