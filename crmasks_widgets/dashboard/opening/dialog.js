// The dialog that opens files. The browser keeps the focus in it, and gives it back afterwards.

const OFFERS = 8; // buttons
const WIDE = 12; // characters that a field of a number shows

/** The files that are chosen, each with its picture and what its headers say. */
class Chosen {
  /** @type {(path: string) => void} */ leave;
  /** @type {number} */ most;
  /** @type {Map<string, ImageData>} */ pictures;
  /** @type {Map<string, Facts>} */ facts;
  /** @type {string[]} */ paths;

  /**
   * @param {(path: string) => void} leave a file is to be left out
   * @param {number} most files that are shown; the others are counted
   */
  constructor(leave, most) {
    Object.assign(this, { leave, most, pictures: new Map(), facts: new Map(), paths: [] });
    this.element = element("div", { className: "crmasks-chosen" });
  }

  /** @param {string[]} paths */
  show(paths) {
    this.paths = paths;
    const more = paths.length - this.most;
    // The empty path is for what is only counted.
    keep(this.element, [...paths.slice(0, this.most), ...(more > 0 ? [""] : [])], (path) => path,
      (path) => (path ? this.card(path) : element("p")), (child, path) => {
        if (path) this.fill(child, path);
        else child.textContent = `and ${more} more`;
      });
  }

  clear() {
    for (const each of [this.pictures, this.facts]) each.clear();
    this.show([]);
  }

  /** @param {string} path */
  card(path) {
    const name = path.split(/[/\\]/).at(-1);
    const out = element("button", { type: "button", className: "crmasks-icon crmasks-icon-cross", title: `Leave out ${name}` });
    out.addEventListener("click", () => this.leave(path));
    return element("div", { className: "crmasks-chosen-file" }, element("canvas", { width: 1, height: 1 }),
      element("div", {}, element("b", { textContent: name, title: path }), element("p")), out);
  }

  /** @param {HTMLElement} card @param {string} path */
  fill(card, path) {
    const facts = this.facts.get(path) ?? {};
    const time = facts.time ? `${facts.time} s` : "";
    const words = facts.error ?? [facts.object, time, facts.images, facts.more].filter(Boolean).join(" · ");
    const said = /** @type {HTMLElement} */ (card.querySelector("p"));
    said.textContent = said.title = words;
    const canvas = /** @type {HTMLCanvasElement} */ (card.querySelector("canvas"));
    const picture = this.pictures.get(path);
    if (!picture) return;
    Object.assign(canvas, { width: picture.width, height: picture.height });
    penOf(canvas).putImageData(picture, 0, 0);
  }

  /**
   * Take the picture of a file.
   * @param {string} path
   * @param {[number, number]} shape its height and width
   * @param {DataView} bytes grey values, the lowest row first
   */
  picture(path, [height, width], bytes) {
    const picture = new ImageData(width, height);
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) {
        const grey = bytes.getUint8((height - 1 - y) * width + x);
        picture.data.set([grey, grey, grey, 255], 4 * (y * width + x));
      }
    }
    this.pictures.set(path, picture);
    this.show(this.paths);
  }
}

/** @typedef {{words: string, paths: string[]}} Offer what can be opened as it is */

/** What to do while nothing is chosen: in words, and as buttons for what lies together. */
class Offered {
  /** @type {(paths: string[]) => void} */ take;
  /** @type {number} */ most;

  /**
   * @param {(paths: string[]) => void} take these are to be chosen
   * @param {number} most offers that are shown
   */
  constructor(take, most) {
    Object.assign(this, { take, most });
    this.together = element("p", { textContent: "In this folder lie together:" });
    this.buttons = element("div", { className: "crmasks-offers" });
    this.element = element("div", { className: "crmasks-offered" },
      element("b", { textContent: "Choose the exposures of one field" }),
      element("p", { textContent: "Two or more, alike in pointing, time and setting; or one parameter file, which names them. " +
        "Gain, readout noise and bias are then proposed here, from their headers and pixels, with the reason." }),
      this.together, this.buttons,
      element("p", { className: "crmasks-quiet", textContent: "Space or a click chooses, Shift a range, Ctrl+A all; Enter opens. " +
        "Above, a pattern such as night1/**/*.fits searches folders." }),
    );
  }

  /** @param {Offer[]} offers @param {boolean} any whether something is chosen */
  show(offers, any) {
    this.element.hidden = any;
    this.together.hidden = !offers.length;
    keep(this.buttons, offers.slice(0, this.most), ({ paths }) => paths.join("\n"), ({ paths }) => {
      const button = element("button", { type: "button", className: "crmasks-word", title: paths.join("\n") });
      button.addEventListener("click", () => this.take(paths));
      return button;
    }, (button, { words }) => { button.textContent = words; });
  }
}

/**
 * @typedef {Object} Value that is proposed
 * @property {string} name of the parameter
 * @property {string} words
 * @property {string} unit
 * @property {string} value as it is written
 * @property {string} differs what an empty field means where detectors differ
 * @property {boolean} missing whether nothing could be proposed
 * @property {boolean} certain
 * @property {boolean} fixed whether it cannot be changed
 * @property {string} origin why it is proposed
 */

/**
 * @typedef {{title?: string, remarks?: string[], rows?: Value[], ready?: boolean, ask?: string,
 *   kept?: string}} Proposal
 */

/** A field for a value that is proposed. What is being typed in it stays when the kernel speaks. */
class ProposedField {
  /** @param {string} name of the parameter @param {(text: string) => void} give what was typed */
  constructor(name, give) {
    this.said = ""; // what the kernel has, or was told
    this.give = give;
    this.words = element("span");
    this.field = element("input", { type: "text", name, spellcheck: false, autocomplete: "off" });
    this.unit = element("span");
    this.why = element("small");
    this.element = element("label", {}, this.words, this.field, this.unit, this.why);
    this.field.addEventListener("change", () => this.send());
    // A notebook keeps Enter from its default, which would be a change of the field.
    this.field.addEventListener("keydown", (event) => { if (event.key === "Enter") this.send(); });
  }

  send() {
    if (this.field.value === this.said) return;
    this.said = this.field.value;
    this.give(this.said);
  }

  /** What was typed for other files is for them alone. */
  forget() {
    this.field.value = this.said;
  }

  /** @param {Value} proposed */
  show({ words, unit, value, differs, missing, origin, certain, fixed }) {
    const typing = this.field === document.activeElement && this.field.value !== this.said;
    this.said = value;
    if (!typing && this.field.value !== value) this.field.value = value;
    Object.assign(this.field, { placeholder: differs, disabled: fixed });
    this.field.classList.toggle("crmasks-wide", value.length > WIDE);
    this.words.textContent = words;
    this.unit.textContent = unit;
    this.why.textContent = this.element.title = `${certain || missing ? "" : "a guess: "}${origin}`;
    const mark = missing ? "crmasks-missing" : certain ? "" : "crmasks-guess";
    this.element.className = `crmasks-proposal ${mark}`;
  }
}

/** What is proposed, in fields that can be changed. */
class Proposed {
  /** @type {(typed: Record<string, string>) => void} */ give;
  /** @type {() => void} */ read;
  /** @type {Record<string, string>} what was typed, by key */ typed;
  /** @type {Map<string, ProposedField>} by parameter */ fields;

  /**
   * @param {(typed: Record<string, string>) => void} give all that was typed
   * @param {() => void} read the files, after all
   */
  constructor(give, read) {
    Object.assign(this, { give, read, typed: {}, fields: new Map() });
    this.title = element("b");
    this.ask = element("button", { type: "button", className: "crmasks-word crmasks-go" });
    this.ask.addEventListener("click", read);
    this.rows = element("div", { className: "crmasks-proposals" });
    // Nothing of the files before is taken over unasked.
    this.box = element("input", { type: "checkbox", name: "keep" });
    this.kept = element("span");
    this.keeping = element("label", { className: "crmasks-keeping" }, this.box, this.kept);
    this.remarks = element("div", { className: "crmasks-proposals" });
    this.element = element("div", { className: "crmasks-proposed" },
      this.title, this.ask, this.rows, this.keeping, this.remarks);
    this.show({});
  }

  /** Whether gain, noise and bias of before are kept. */
  get keep() { return this.box.checked; }

  forget() {
    this.typed = {};
    for (const field of this.fields.values()) field.forget();
    this.box.checked = false;
  }

  /** @param {Proposal} proposal */
  show({ title = "", remarks = [], rows = [], ask = "", kept = "" }) {
    this.title.textContent = title;
    this.ask.textContent = ask;
    this.ask.hidden = !ask;
    keep(this.rows, rows, ({ name }) => name, ({ name }) => this.make(name),
      (_, row) => this.fields.get(row.name)?.show(row));
    this.keeping.hidden = !kept;
    this.keeping.title = kept;
    this.kept.textContent = `Keep the settings on screen: ${kept}`;
    this.remarks.replaceChildren(
      ...remarks.map((textContent) => element("p", { className: "crmasks-remark", textContent })));
  }

  /** @param {string} name of a parameter */
  make(name) {
    const made = new ProposedField(name, (text) => {
      this.typed[name] = text;
      this.give({ ...this.typed });
    });
    this.fields.set(name, made);
    return made.element;
  }
}

/**
 * Let Tab go round in the dialog: the browser would go on to its own bars.
 * @param {KeyboardEvent} event @param {HTMLDialogElement} dialog
 */
function keepTab(event, dialog) {
  /** @type {NodeListOf<HTMLButtonElement | HTMLInputElement>} */
  const stops = dialog.querySelectorAll("button, input, [tabindex='0']");
  const all = [...stops].filter((each) => !each.disabled && each.offsetParent !== null);
  const [out, back] = event.shiftKey ? [all[0], all.at(-1)] : [all.at(-1), all[0]];
  if (document.activeElement !== out) return;
  event.preventDefault();
  back?.focus();
}

/**
 * @typedef {{event: "facts", facts: Record<string, Facts>}
 *   | {event: "picture", path: string, shape: [number, number]}} Learnt
 */

/** @param {Widget} widget */
function render({ model, el }) {
  /** @param {{do: string} & Record<string, unknown>} message */
  const say = (message) => model.send(message);
  const path = element("input", { type: "text", className: "crmasks-path", spellcheck: false, autocomplete: "off",
    title: "A folder, a file, or a pattern such as night1/**/*.fits; Enter goes there", ariaLabel: "Folder, file or pattern" });
  path.addEventListener("keydown", (event) => {
    if (event.key === "Enter") say({ do: "go", path: path.value });
  });
  const stop = element("button", { type: "button", className: "crmasks-word", textContent: "Stop" });
  stop.addEventListener("click", () => {
    table.asked.clear();
    say({ do: "stop" });
  });
  const doing = element("span", { className: "crmasks-quiet", role: "status" });
  const remark = element("p", { className: "crmasks-remark" });
  const wrong = element("p", { className: "crmasks-wrong", role: "alert" });
  const open = element("button", { type: "button", className: "crmasks-word crmasks-go", textContent: "Open" });
  const cancel = element("button", { type: "button", className: "crmasks-word", textContent: "Cancel" });
  const accept = () => { if (!open.disabled) say({ do: "open", keep: proposed.keep }); };
  open.addEventListener("click", accept);

  const proposed = new Proposed((values) => say({ do: "set", values }), () => say({ do: "read" }));
  const chosen = new Chosen((left) => table.set([...table.chosen].filter((each) => each !== left)), model.get("pictures"));
  const table = new FileTable({
    enter: (folder) => say({ do: "go", path: folder }),
    look: (paths) => say({ do: "look", paths }),
    accept,
    choose: (paths) => {
      proposed.forget();
      open.disabled = true;
      chosen.show(paths);
      offer();
      say({ do: "choose", paths });
    },
  }, model.get("suffixes"));
  const offered = new Offered((paths) => table.set(paths), OFFERS);
  const offer = () => offered.show(table.offers(), table.chosen.size > 0);
  const close = element("button", { type: "button", className: "crmasks-icon crmasks-icon-cross", title: "Close (Esc)" });
  const dialog = element("dialog", { className: "crmasks-open", ariaLabel: "Open files" },
    element("header", {}, element("b", { textContent: "Open files" }), path, stop, close),
    element("section", {}, table.element, remark),
    element("aside", {}, offered.element, chosen.element, proposed.element),
    element("footer", {}, doing, wrong, cancel, open));
  const shut = () => dialog.close();
  for (const button of [close, cancel]) button.addEventListener("click", shut);
  dialog.addEventListener("close", () => { if (model.get("opened")) say({ do: "close" }); });
  // Keys are for the dialog alone, not for the dashboard under it.
  dialog.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Tab") keepTab(event, dialog);
  });

  const show = () => {
    if (model.get("opened") && !dialog.open) {
      dialog.showModal();
      table.scroller.focus({ preventScroll: true });
    } else if (!model.get("opened")) {
      dialog.close();
      // Nothing is kept of what was read.
      proposed.forget();
      for (const each of [table.chosen, table.asked]) each.clear();
      chosen.clear();
      offer();
    }
  };
  const list = () => {
    const listing = model.get("listing");
    if (!listing.folder) return;
    path.value = listing.folder;
    table.fill(listing);
    offer();
    const nothing = listing.names.length ? "" : "No FITS files here.";
    remark.textContent = listing.remark || nothing;
  };
  const tell = () => {
    doing.textContent = model.get("doing") || model.get("looking");
    stop.style.visibility = doing.textContent ? "" : "hidden";
    wrong.textContent = model.get("listing_error") || model.get("error");
    open.disabled = !model.get("proposal").ready || Boolean(model.get("doing") || model.get("error"));
  };
  const propose = () => {
    proposed.show(model.get("proposal"));
    tell();
  };
  const take = () => {
    const typed = model.get("outside");
    if (typed.length) table.set([...table.chosen, ...typed]);
  };
  /** @param {Learnt} message @param {DataView[]} buffers */
  const hear = (message, buffers) => {
    if (message.event === "facts") {
      table.learn(message.facts);
      offer();
      for (const [name, facts] of Object.entries(message.facts)) chosen.facts.set(name, facts);
      if (chosen.paths.some((each) => each in message.facts)) chosen.show(chosen.paths);
    } else if (message.event === "picture") {
      chosen.picture(message.path, message.shape, buffers[0]);
    }
  };
  const listeners = {
    "change:opened": show, "change:listing": list, "change:proposal": propose, "change:outside": take,
    "change:doing": tell, "change:looking": tell, "change:error": tell, "change:listing_error": tell, "msg:custom": hear,
  };
  for (const [name, action] of Object.entries(listeners)) model.on(name, action);
  el.append(dialog);
  for (const each of [list, propose]) each();
  // A page that is loaded again begins without it: only one view of two could hold the pointer.
  if (model.get("opened")) say({ do: "close" });
  return () => {
    table.sized.disconnect();
    for (const [name, action] of Object.entries(listeners)) model.off(name, action);
  };
}

export default { initialize, render };
