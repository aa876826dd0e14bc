// Glyphs of all candidates as a line makes them, drawn by the page until the kernel has answered.

class Crowd {
  /** @type {Model} */ model;
  /** @type {Candidates | null} */ candidates;
  /** @type {Candidates | null} */ flagged;
  /** @type {Map<number, HTMLImageElement>[]} */ layers;
  /** @type {boolean} */ drawn;

  /** @param {Model} model @param {HTMLElement} el */
  constructor(model, el) {
    Object.assign(this, { model, candidates: null, layers: [], drawn: false });
    this.canvas = make(el, "canvas");
    this.load();
  }

  // Rims first: in a crowd, none covers the pen of another glyph.
  load() {
    const { pictures = {}, pens = {} } = this.model.get("stamps");
    this.layers = [pictures, pens].map((layer) => new Map(
      Object.entries(layer).map(([code, src]) => [Number(code), imageOf(src)])));
  }

  forget() {
    this.candidates = null;
  }

  // Candidates, and after them what is flagged without being one; null before both are there.
  known() {
    const [places, others] = [this.model.get("places"), this.model.get("others")];
    if (!this.candidates && places?.byteLength && places.byteLength === 8 * others.byteLength) {
      this.candidates = unpacked(places, others);
      this.flagged = unpacked(this.model.get("rest"));
    }
    return this.candidates;
  }

  clear() {
    if (this.drawn) this.cleared(this.canvas.width, this.canvas.height);
    this.drawn = false;
    return null;
  }

  /**
   * The empty canvas, ready to be drawn on. Another size makes another one, which takes longer.
   * @param {number} width @param {number} height
   */
  cleared(width, height) {
    const { canvas } = this;
    const context = penOf(canvas);
    if (canvas.width === width && canvas.height === height) context.clearRect(0, 0, width, height);
    else [canvas.width, canvas.height] = [width, height];
    this.drawn = true;
    return context;
  }

  /**
   * How many candidates are above the line; null before they are there.
   * @param {HandView} view
   * @param {Scene} scene
   */
  draw(view, { threshold, hidden = [] }) {
    const ratio = window.devicePixelRatio || 1;
    const context = this.cleared(Math.round(view.width * ratio), Math.round(view.height * ratio));
    const combine = this.model.get("combine");
    const [candidates, flagged] = [this.known(), this.flagged];
    if (!candidates || !flagged || !view.lineAt) return null;
    const { above, codes } = judged(candidates, view.lineAt, threshold ?? -Infinity, combine);
    for (const images of this.layers) {
      for (const { x, y, code } of [{ ...candidates, code: codes }, flagged]) {
        for (let i = 0; i < x.length; i += 1) {
          if (hidden.includes(code[i])) continue;
          const image = images.get(code[i]);
          if (!image?.complete) continue;
          const left = Math.floor(view.across(x[i]) * ratio) - (image.width >> 1);
          const top = Math.floor(view.up(y[i]) * ratio) - (image.height >> 1);
          context.drawImage(image, left, top);
        }
      }
    }
    return above;
  }
}
