// A hit as a card: its head with words and two buttons, and its stamps side by side.

/**
 * @typedef {Object} Sent
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
 * @typedef {Sent & {picture: HTMLCanvasElement}} Card with its stamps side by side
 */

/**
 * @typedef {Object} Grid
 * @property {number} columns cards side by side
 * @property {number} stamp side of a stamp
 * @property {number} width of a card
 * @property {number} height of a card
 * @property {number} total height of all rows
 */

const INSET = 3; // inside a card, left and right
const WORDS = 6; // where the words of its head begin and end
const BETWEEN = 2; // stamps
const HEAD = 22;
const NAMES = 12; // of the stamps, above them
const END = 3; // below the stamps
const BUTTON = { width: 20, height: 16, gap: 3 };

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

/** @typedef {CanvasRenderingContext2D} Pen */
/** @typedef {ReturnType<typeof theme>} Colours */
/** @typedef {{selected: boolean, hovered: boolean}} CardState */

/** Colours of the theme, as the style sheet has them. @param {HTMLElement} el */
function theme(el) {
  const style = getComputedStyle(el);
  /** @param {string} name @param {string} otherwise */
  const read = (name, otherwise) => style.getPropertyValue(`--crmasks-${name}`).trim() || otherwise;
  return {
    text: read("text", "#1f1f1f"), quiet: read("quiet", "#5f5f5f"), paper: read("paper", "#fff"),
    line: read("line", "#ddd"), accent: read("accent", "#1976d2"), yes: read("yes", "#00875f"),
    no: read("no", "#c2410c"), select: read("select", "#f0b400"),
    stage: read("stage", "#26282f"), stageText: read("stage-text", "#c9ccd3"),
    font: style.fontFamily || "sans-serif",
  };
}

/**
 * @param {Pen} context
 * @param {Colours} colours
 * @param {number} x
 * @param {number} y
 * @param {"check" | "cross"} sign
 * @param {boolean} filled
 * @param {string} tone
 */
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

/**
 * A text that ends before a width, with dots where it is cut.
 * @param {Pen} context @param {string} text @param {number} width
 */
function fitted(context, text, width) {
  if (context.measureText(text).width <= width) return text;
  let kept = text;
  while (kept && context.measureText(`${kept}…`).width > width) kept = kept.slice(0, -1);
  return `${kept}…`;
}

/**
 * @param {Pen} context
 * @param {Colours} colours
 * @param {Grid} grid
 * @param {Card | undefined} card
 * @param {CardState} state
 */
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

/**
 * What the stamps lie on: dark in both themes, as the image.
 * @param {Pen} context @param {Colours} colours @param {Grid} grid @param {CardState} state
 */
function drawStrip(context, colours, grid, { selected }) {
  const inset = selected ? 2 : 1;
  const [width, height] = [grid.width - 2 * inset, grid.height - HEAD - inset];
  context.beginPath();
  context.roundRect(inset, HEAD, width, height, [0, 0, 5, 5]);
  context.fillStyle = colours.stage;
  context.fill();
}

/**
 * @param {Pen} context
 * @param {Colours} colours
 * @param {Grid} grid
 * @param {Card} card
 * @param {boolean} out whether it is no hit
 */
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

/**
 * @param {Pen} context
 * @param {Colours} colours
 * @param {Grid} grid
 * @param {Card | undefined} card nothing but its frame as long as it is not there
 * @param {number} panels
 * @param {CardState} state
 */
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
