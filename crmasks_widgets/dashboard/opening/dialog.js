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

  show(paths) {
    this.paths = paths;
    const cards = paths.slice(0, this.most).map((path) => this.card(path));
    const more = paths.length - this.most;
    const counted = more > 0 ? [element("p", { textContent: `and ${more} more` })] : [];
    this.element.replaceChildren(...cards, ...counted);
  }

  clear() {
    for (const each of [this.pictures, this.facts]) each.clear();
    this.show([]);
  }

  card(path) {
    const facts = this.facts.get(path) ?? {};
    const name = path.split(/[/\\]/).at(-1);
    const canvas = element("canvas", { width: 1, height: 1 });
    const picture = this.pictures.get(path);
    if (picture) {
      Object.assign(canvas, { width: picture.width, height: picture.height });
      penOf(canvas).putImageData(picture, 0, 0);
    }
    const out = element("button", { type: "button", className: "crmasks-icon crmasks-icon-cross", title: `Leave out ${name}` });
    out.addEventListener("click", () => this.leave(path));
    const time = facts.time ? `${facts.time} s` : "";
    const words = facts.error ?? [facts.object, time, facts.images, facts.more].filter(Boolean).join(" · ");
    return element("div", { className: "crmasks-chosen-file" }, canvas,
      element("div", {}, element("b", { textContent: name, title: path }), element("p", { textContent: words, title: words })), out);
  }

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
    this.element = element("div", { className: "crmasks-offered" });
  }

  show(offers, any) {
    const buttons = offers.slice(0, this.most).map(({ words, paths }) => {
      const button = element("button", { type: "button", className: "crmasks-word", textContent: words, title: paths.join("\n") });
      button.addEventListener("click", () => this.take(paths));
      return button;
    });
    this.element.hidden = any;
    this.element.replaceChildren(
      element("b", { textContent: "Choose the exposures of one field" }),
      element("p", { textContent: "Two or more, alike in pointing, time and setting; or one parameter file, which names them. " +
        "Gain, readout noise and bias are then proposed here, from their headers and pixels, with the reason." }),
      ...(buttons.length ? [element("p", { textContent: "In this folder lie together:" })] : []), ...buttons,
      element("p", { className: "crmasks-quiet", textContent: "Space or a click chooses, Shift a range, Ctrl+A all; Enter opens. " +
        "Above, a pattern such as night1/**/*.fits searches folders." }),
    );
  }
}

/** What is proposed, in fields that can be changed. */
class Proposed {
  /** @type {(typed: Record<string, string>) => void} */ give;
  /** @type {() => void} */ read;
  /** @type {Record<string, string>} what was typed, by key */ typed;
  /** @type {boolean} whether gain, noise and bias of before are kept */ keep;

  constructor(give, read) {
    Object.assign(this, { give, read, typed: {}, keep: false });
    this.element = element("div", { className: "crmasks-proposed" });
  }

  forget() {
    Object.assign(this, { typed: {}, keep: false });
  }

  show({ title = "", remarks = [], rows = [], ask = "", kept = "" }) {
    const active = document.activeElement;
    const within = active instanceof HTMLInputElement && this.element.contains(active) && active.name;
    const button = element("button", { type: "button", className: "crmasks-word crmasks-go", textContent: ask });
    button.addEventListener("click", this.read);
    this.element.replaceChildren(
      element("b", { textContent: title }), ...(ask ? [button] : []),
      ...rows.map((row) => this.row(row)), ...(kept ? [this.keeping(kept)] : []),
      ...remarks.map((textContent) => element("p", { className: "crmasks-remark", textContent })),
    );
    if (within) this.element.querySelector(`[name="${within}"]`)?.focus();
  }

  /** Nothing of the files before is taken over unasked. */
  keeping(kept) {
    const box = element("input", { type: "checkbox", name: "keep", checked: this.keep });
    box.addEventListener("change", () => { this.keep = box.checked; });
    return element("label", { className: "crmasks-keeping", title: kept }, box,
      element("span", { textContent: `Keep the settings on screen: ${kept}` }));
  }

  row({ name, words, unit, value, differs, missing, origin, certain, fixed }) {
    const field = element("input", { type: "text", name, value, placeholder: differs, disabled: fixed, spellcheck: false, autocomplete: "off" });
    let said = value;
    const send = () => {
      if (field.value === said) return;
      this.typed[name] = said = field.value;
      this.give({ ...this.typed });
    };
    field.addEventListener("change", send);
    // A notebook keeps Enter from its default, which would be a change of the field.
    field.addEventListener("keydown", (event) => { if (event.key === "Enter") send(); });
    const why = `${certain || missing ? "" : "a guess: "}${origin}`;
    field.classList.toggle("crmasks-wide", value.length > WIDE);
    const mark = missing ? "crmasks-missing" : certain ? "" : "crmasks-guess";
    return element("label", { className: `crmasks-proposal ${mark}`, title: why },
      element("span", { textContent: words }), field, element("span", { textContent: unit }),
      element("small", { textContent: why }));
  }
}

/** Let Tab go round in the dialog: the browser would go on to its own bars. */
function keepTab(event, dialog) {
  const all = [...dialog.querySelectorAll("button, input, [tabindex='0']")]
    .filter((each) => !each.disabled && each.offsetParent !== null);
  const [out, back] = event.shiftKey ? [all[0], all.at(-1)] : [all.at(-1), all[0]];
  if (document.activeElement !== out) return;
  event.preventDefault();
  back.focus();
}

function render({ model, el }) {
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
