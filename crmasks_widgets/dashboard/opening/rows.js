// The table of files: only the rows on screen are made, so that thousands scroll as ten do.

const ROW = 24; // pixels
const SPARE = 8; // rows above and below what is seen

/**
 * Which rows a part of the height shows.
 * @param {number} top pixels above it
 * @param {number} height of the part
 * @param {number} count rows in all
 * @returns {[number, number]} the first, and the one after the last
 */
export function rowsBetween(top, height, count) {
  const first = Math.max(0, Math.floor(top / ROW) - SPARE);
  return [Math.min(first, count), Math.min(count, Math.ceil((top + height) / ROW) + SPARE)];
}

/** Bytes, in words. @param {number} bytes */
export function sizeInWords(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let step = 0;
  let value = bytes;
  while (value >= 999.5 && step < units.length - 1) {
    value /= 1000;
    step += 1;
  }
  return `${step && value < 9.95 ? value.toFixed(1) : Math.round(value)} ${units[step]}`;
}

/**
 * @typedef {Object} FileRow
 * @property {string} kind "folder", "file" or "parameters"
 * @property {string} name
 * @property {string} path
 * @property {number} [size] bytes
 */

/**
 * What the headers of a file say, in words.
 * @typedef {{object?: string, time?: string, images?: string, more?: string, product?: string,
 *   error?: string}} Facts
 */

/**
 * @typedef {Object} Listing
 * @property {string} folder
 * @property {string} up the folder around it; empty where there is none
 * @property {string[]} folders in it
 * @property {string[]} names of its files
 * @property {number[]} sizes of these, bytes
 * @property {number[]} parameters which of them are parameter files
 * @property {string} prefix of the paths of all
 */

/**
 * @typedef {Object} Heard
 * @property {(path: string) => void} enter a folder was entered
 * @property {(paths: string[]) => void} choose the choice has changed
 * @property {(paths: string[]) => void} look these have come into sight, and nothing is known of them
 * @property {() => void} accept Enter was pressed on a file that is chosen
 */

class FileTable {
  /** @type {Heard} */ on;
  /** @type {string[]} */ suffixes;
  /** @type {string} */ id;
  /** @type {FileRow[]} */ rows;
  /** @type {Set<string>} */ chosen;
  /** @type {Set<string>} */ asked;
  /** @type {Map<string, Facts>} */ facts;
  /** @type {number} */ at;
  /** @type {number} */ from;
  /** @type {string | undefined} */ folder;

  /**
   * @param {Heard} on
   * @param {string[]} suffixes how the names of parameter files end, in small letters
   */
  constructor(on, suffixes) {
    Object.assign(this, { on, suffixes, id: freshId("file"), rows: [], chosen: new Set(), facts: new Map(), asked: new Set(), at: 0, from: 0 });
    this.inside = element("div", { className: "crmasks-rows" });
    this.scroller = element("div", {
      className: "crmasks-files-list", tabIndex: 0, ariaLabel: "Files of this folder",
    }, this.inside);
    this.scroller.setAttribute("role", "listbox");
    this.scroller.setAttribute("aria-multiselectable", "true");
    this.scroller.addEventListener("scroll", () => this.draw());
    this.scroller.addEventListener("keydown", (event) => this.press(event));
    this.inside.addEventListener("click", (event) => this.click(event));
    const words = ["", "Name", "Object", "Time, s", "Size", "Pixels"];
    const head = element("div", { className: "crmasks-file crmasks-files-head" },
      ...words.map((textContent) => element("span", { textContent })));
    this.element = element("div", { className: "crmasks-files-table" }, head, this.scroller);
    this.sized = new ResizeObserver(() => this.draw());
    this.sized.observe(this.scroller);
  }

  /**
   * Show what there is in a folder; keys go on from where they were, if it is the same one.
   * @param {Listing} listing
   */
  fill({ folder, up, folders, names, sizes, parameters, prefix }) {
    const before = folder === this.folder ? [this.at, this.from].map((number) => this.rows[number]?.path) : [];
    const settings = new Set(parameters);
    this.rows = [
      ...(up && up !== folder ? [{ kind: "folder", name: "..", path: up }] : []),
      ...folders.map((name) => ({ kind: "folder", name, path: prefix + name })),
      ...names.map((name, i) => ({
        kind: settings.has(i) ? "parameters" : "file", name, path: prefix + name, size: sizes[i],
      })),
    ];
    const first = Math.min(this.rows.length - 1, up && up !== folder ? 1 : 0);
    const [at, from] = [0, 1].map((i) => this.rows.findIndex(({ path }) => path === before[i]));
    [this.at, this.from] = at < 0 ? [first, first] : [at, from < 0 ? at : from];
    this.inside.style.height = `${this.rows.length * ROW}px`;
    if (folder !== this.folder) this.scroller.scrollTop = 0;
    this.folder = folder;
    this.draw();
  }

  /** Take facts of some files, by path. @param {Record<string, Facts>} facts */
  learn(facts) {
    for (const [path, of] of Object.entries(facts)) this.facts.set(path, of);
    this.draw();
  }

  draw() {
    const { scrollTop, clientHeight } = this.scroller;
    const [first, end] = rowsBetween(scrollTop, clientHeight, this.rows.length);
    let number = first;
    const cells = ["i", "span", "span", "span", "span", "span"];
    keep(this.inside, this.rows.slice(first, end), ({ path }) => path,
      () => element("div", { role: "option" }, ...cells.map((tag) => document.createElement(tag))),
      (child, row) => this.show(child, row, number++));
    this.scroller.setAttribute("aria-activedescendant", this.idOf(this.at));
    clearTimeout(this.waiting);
    // Not for every row that flies by.
    this.waiting = setTimeout(() => {
      const unknown = this.rows.slice(first, end)
        .filter((row) => row.kind === "file" && !this.facts.has(row.path)).map((row) => row.path);
      // To ask for anything stops what was asked for before.
      if (unknown.every((path) => this.asked.has(path))) return;
      this.asked = new Set(unknown);
      this.on.look(unknown);
    }, 80);
  }

  /** @param {number} number */
  idOf(number) {
    return `${this.id}-${number}`;
  }

  /** @param {HTMLElement} child @param {FileRow} row @param {number} number */
  show(child, { kind, name, path, size }, number) {
    const facts = this.facts.get(path) ?? {};
    Object.assign(child, {
      className: `crmasks-file crmasks-file-${kind}`, id: this.idOf(number),
      ariaSelected: String(this.chosen.has(path)),
      title: facts.error ?? (facts.product ? `${name}: ${facts.product}, no exposure` : ""),
    });
    const [icon, ...cells] = /** @type {Iterable<HTMLElement>} */ (child.children);
    icon.className = kind === "folder" ? "crmasks-icon-open" : "";
    const said = facts.product ?? (facts.error ? "not readable" : facts.images ?? "");
    [
      name, facts.object ?? "", facts.time ?? "", size === undefined ? "" : sizeInWords(size),
      kind === "parameters" ? "parameter file" : said,
    ].forEach((text, i) => Object.assign(cells[i], { textContent: text, title: text }));
    for (const cell of cells.slice(2, 4)) cell.className = "crmasks-number";
    child.classList.toggle("crmasks-file-product", Boolean(facts.product));
    child.style.top = `${number * ROW}px`;
    child.dataset.number = String(number);
    child.classList.toggle("crmasks-file-at", number === this.at);
  }

  /**
   * Choose these, and nothing else; exposures are numbered as those of a pattern in a parameter file.
   * @param {Iterable<string>} paths
   */
  set(paths) {
    this.chosen = new Set([...paths].sort());
    this.draw();
    this.on.choose([...this.chosen]);
  }

  /** Choose a row, or no longer. @param {number} number */
  toggle(number) {
    const { kind, path } = this.rows[number];
    if (kind === "parameters") this.set(this.chosen.has(path) ? [] : [path]);
    if (kind !== "file" || this.facts.get(path)?.product) return;
    const others = [...this.chosen].filter((each) => each !== path && !this.isParameters(each));
    this.set(this.chosen.has(path) ? others : [...others, path]);
  }

  /** Paths of what may be an exposure: of a product it is known that it is none. */
  exposures(rows = this.rows) {
    /** @param {FileRow} row */
    const may = ({ kind, path }) => kind === "file" && !this.facts.get(path)?.product;
    return rows.filter(may).map(({ path }) => path);
  }

  /**
   * What can be opened as it is: exposures that their headers call alike, and parameter files.
   * @returns {{words: string, paths: string[]}[]}
   */
  offers() {
    const groups = new Map();
    for (const path of this.exposures()) {
      const { object, time, images } = this.facts.get(path) ?? {};
      if (!images) continue;
      const words = [object, time && `${time} s`, images].filter(Boolean).join(" · ");
      groups.set(words, [...(groups.get(words) ?? []), path]);
    }
    const alike = [...groups].filter(([, paths]) => paths.length > 1)
      .map(([words, paths]) => ({ words: `${paths.length} exposures: ${words}`, paths }));
    const settings = this.rows.filter(({ kind }) => kind === "parameters")
      .map(({ name, path }) => ({ words: `Parameter file ${name}`, paths: [path] }));
    return [...alike, ...settings];
  }

  /** @param {string} path */
  isParameters(path) {
    return this.suffixes.some((suffix) => path.toLowerCase().endsWith(suffix));
  }

  /** Choose all files from where a range began to where it is now. */
  extend() {
    const [low, high] = [this.from, this.at].sort((a, b) => a - b);
    const more = this.exposures(this.rows.slice(low, high + 1));
    this.set(new Set([...this.chosen].filter((each) => !this.isParameters(each)).concat(more)));
  }

  /** @param {MouseEvent} event */
  click(event) {
    const row = event.target instanceof Element && event.target.closest("[data-number]");
    if (!row) return;
    this.go(Number(row.dataset.number), event.shiftKey);
    if (event.shiftKey) this.extend();
    else if (this.rows[this.at].kind === "folder") this.on.enter(this.rows[this.at].path);
    else this.toggle(this.at);
  }

  /** @param {number} number @param {boolean} extending a range */
  go(number, extending = false) {
    this.at = Math.max(0, Math.min(this.rows.length - 1, number));
    if (!extending) this.from = this.at;
    const { scrollTop, clientHeight } = this.scroller;
    if (this.at * ROW < scrollTop) this.scroller.scrollTop = this.at * ROW;
    const lowest = (this.at + 1) * ROW - clientHeight;
    if (lowest > scrollTop) this.scroller.scrollTop = lowest;
    this.draw();
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const page = Math.max(1, Math.floor(this.scroller.clientHeight / ROW) - 1);
    /** @type {Record<string, number>} */
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    const row = this.rows[this.at];
    if (event.key in steps) {
      this.go(this.at + steps[event.key], event.shiftKey);
      if (event.shiftKey) this.extend();
    } else if (event.key === " ") {
      if (row) this.toggle(this.at);
    } else if (event.key === "Enter") {
      if (row?.kind === "folder") this.on.enter(row.path);
      else if (row && this.chosen.has(row.path)) this.on.accept();
      else if (row) this.toggle(this.at);
    } else if (event.key === "Backspace") {
      if (this.rows[0]?.name === "..") this.on.enter(this.rows[0].path);
    } else if (event.key === "a" && (event.ctrlKey || event.metaKey)) {
      this.set(this.exposures());
    } else {
      return;
    }
    event.preventDefault();
  }
}
