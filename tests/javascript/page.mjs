// As much of a page as the widgets need that are tested without one: elements without a layout,
// whose sizes a test sets; observers that a test calls; a model that keeps what it was told.

class Style {
  setProperty(name, value) { this[name] = value; }
}

const listOf = (text) => String(text ?? "").split(/\s+/).filter(Boolean);

class ClassList {
  constructor(owner) { this.owner = owner; }

  get all() { return listOf(this.owner.className); }

  contains(name) { return this.all.includes(name); }

  add(...names) { this.owner.className = [...new Set([...this.all, ...names])].join(" "); }

  remove(...names) { this.owner.className = this.all.filter((each) => !names.includes(each)).join(" "); }

  toggle(name, on = !this.contains(name)) {
    if (on) this.add(name);
    else this.remove(name);
    return on;
  }

  [Symbol.iterator]() { return this.all[Symbol.iterator](); }
}

const hyphened = (name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** Whether an element is what a selector without spaces says: tag, classes, attributes. */
function fits(node, simple) {
  const tag = /^[\w-]+/.exec(simple)?.[0];
  if (tag && node.localName !== tag) return false;
  const classes = [...simple.matchAll(/\.([\w-]+)/g)].every(([, name]) => node.classList.contains(name));
  return classes && [...simple.matchAll(/\[([\w-]+)(?:="?([^"\]]*)"?)?\]/g)].every(([, name, value]) => {
    const found = node.getAttribute(name);
    return found !== null && (value === undefined || found === value);
  });
}

export class FakeNode {
  constructor(name) {
    this.localName = name;
    this.tagName = name.toUpperCase();
    this.className = "";
    this.style = new Style();
    this.dataset = {};
    this.attributes = new Map();
    this.childNodes = [];
    this.listeners = new Map();
    this.parentElement = null;
    this.classList = new ClassList(this);
    this.box = { left: 0, top: 0, width: 0, height: 0 };
    this.clientWidth = this.clientHeight = this.offsetWidth = this.offsetHeight = 0;
    this.scrollTop = this.scrollLeft = 0;
    if (["input", "select", "option"].includes(name)) this.written = "";
    if (name === "input") this.checked = false;
    if (name === "dialog") this.open = false;
  }

  get children() { return this.childNodes.filter((each) => each instanceof FakeNode); }

  get childElementCount() { return this.children.length; }

  get firstChild() { return this.childNodes[0] ?? null; }

  get lastChild() { return this.childNodes.at(-1) ?? null; }

  get firstElementChild() { return this.children[0] ?? null; }

  get lastElementChild() { return this.children.at(-1) ?? null; }

  // As of a browser, a text whatever was given.
  get value() { return this.written; }

  set value(given) { this.written = String(given); }

  get options() { return this.querySelectorAll("option"); }

  get textContent() { return this.childNodes.map((each) => each.textContent).join(""); }

  set textContent(text) { this.replaceChildren(...(text === "" ? [] : [String(text)])); }

  append(...nodes) {
    for (const each of nodes) {
      if (each instanceof FakeNode) {
        each.remove();
        each.parentElement = this;
      }
      this.childNodes.push(each instanceof FakeNode ? each : { textContent: String(each) });
    }
  }

  appendChild(node) {
    this.append(node);
    return node;
  }

  insertBefore(node, other) {
    node.remove();
    node.parentElement = this;
    this.childNodes.splice(other ? this.childNodes.indexOf(other) : Infinity, 0, node);
  }

  replaceChildren(...nodes) {
    for (const each of this.children) each.parentElement = null;
    this.childNodes = [];
    this.append(...nodes);
  }

  remove() {
    const siblings = this.parentElement?.childNodes;
    siblings?.splice(siblings.indexOf(this), 1);
    this.parentElement = null;
  }

  setAttribute(name, value) {
    this.attributes.set(name, String(value));
    if (name === "class") this.className = String(value);
    if (name.startsWith("data-")) {
      this.dataset[name.slice(5).replace(/-(\w)/g, (_, letter) => letter.toUpperCase())] = String(value);
    }
  }

  getAttribute(name) {
    if (name === "class") return this.className;
    for (const [key, value] of Object.entries(this.dataset)) {
      if (`data-${hyphened(key)}` === name) return String(value);
    }
    return this.attributes.get(name) ?? (typeof this[name] === "string" ? this[name] : null);
  }

  removeAttribute(name) { this.attributes.delete(name); }

  contains(node) {
    for (let each = node; each; each = each.parentElement) if (each === this) return true;
    return false;
  }

  matches(selector) {
    return selector.split(",").some((one) => {
      const parts = listOf(one);
      if (!fits(this, parts.at(-1))) return false;
      let node = this.parentElement;
      for (const part of parts.slice(0, -1).reverse()) {
        while (node && !fits(node, part)) node = node.parentElement;
        if (!node) return false;
        node = node.parentElement;
      }
      return true;
    });
  }

  closest(selector) {
    for (let each = this; each; each = each.parentElement) if (each.matches(selector)) return each;
    return null;
  }

  querySelectorAll(selector) {
    return this.children.flatMap((each) =>
      [...(each.matches(selector) ? [each] : []), ...each.querySelectorAll(selector)]);
  }

  querySelector(selector) { return this.querySelectorAll(selector)[0] ?? null; }

  addEventListener(name, action, { signal } = {}) {
    const all = this.listeners.get(name) ?? [];
    this.listeners.set(name, [...all, action]);
    signal?.addEventListener("abort", () => this.removeEventListener(name, action));
  }

  removeEventListener(name, action) {
    this.listeners.set(name, (this.listeners.get(name) ?? []).filter((each) => each !== action));
  }

  /** Let something happen to it, and to all around it; what became of the event. */
  fire(type, given = {}) {
    const event = {
      type, target: this, button: 0, buttons: 0, clientX: 0, clientY: 0, pointerId: 1, key: "",
      ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, defaultPrevented: false,
      stopped: false, preventDefault() { this.defaultPrevented = true; },
      stopPropagation() { this.stopped = true; }, getModifierState: () => false, ...given,
    };
    for (let each = this; each && !event.stopped; each = each.parentElement) {
      for (const action of each.listeners.get(type) ?? []) action(event);
    }
    return event;
  }

  dispatchEvent(event) { this.fire(event.type, { detail: event.detail }); }

  click() { this.fire("click"); }

  focus() { globalThis.document.activeElement = this; }

  select() {}

  setPointerCapture() {}

  setCustomValidity(text) { this.validity = text; }

  reportValidity() {}

  showModal() { this.open = true; }

  close() { this.open = false; }

  getBBox() { return { x: 0, y: 0, width: 0, height: 0 }; }

  getBoundingClientRect() {
    const { left, top, width, height } = this.box;
    return { left, top, width, height, right: left + width, bottom: top + height };
  }

  /** What draws on it: it keeps nothing, and every letter is 6 pixels wide. */
  getContext() {
    const measured = { measureText: (text) => ({ width: 6 * text.length }) };
    return new Proxy(measured, { get: (of, name) => of[name] ?? (name === "createImageData"
      ? (width, height) => ({ data: new Uint8ClampedArray(4 * width * height) }) : () => {}) });
  }
}

/** Observers of one kind, which `happened` calls. */
function observers() {
  const all = new Set();
  class Observer {
    constructor(action) { this.action = action; }

    observe() { all.add(this); }

    disconnect() { all.delete(this); }
  }
  return { Observer, happened: (...given) => { for (const each of [...all]) each.action(...given); } };
}

/**
 * A page: `mutated` and `resized` call its observers, `frame` draws what waits for the next picture.
 */
export function page() {
  const [mutations, sizes] = [observers(), observers()];
  let waiting = [];
  const create = (name) => new FakeNode(name);
  Object.assign(globalThis, {
    window: { devicePixelRatio: 1, innerWidth: 1000, innerHeight: 800, addEventListener() {} },
    document: {
      createElement: create, createElementNS: (_, name) => create(name), body: create("body"),
      documentElement: create("html"), activeElement: null,
      addEventListener() {},
      createTextNode: (data) => ({ get textContent() { return this.data; }, data }),
    },
    Element: FakeNode, HTMLElement: FakeNode, HTMLInputElement: FakeNode,
    Image: class { constructor() { Object.assign(this, { complete: true, width: 8, height: 8 }); } },
    getComputedStyle: () => ({ getPropertyValue: () => "", fontFamily: "", overflowY: "" }),
    MutationObserver: mutations.Observer, ResizeObserver: sizes.Observer,
    requestAnimationFrame: (action) => waiting.push(action),
    localStorage: { getItem() { throw new Error("refused"); }, setItem() { throw new Error("refused"); } },
  });
  return {
    element: create, mutated: mutations.happened, resized: sizes.happened,
    frame: () => {
      const now = waiting;
      waiting = [];
      for (const action of now) action();
    },
  };
}

/** A model of anywidget with its traits, which keeps what was sent. */
export function fakeModel(traits, manager = {}) {
  const listeners = [];
  return {
    traits, sent: [], saved: 0, widget_manager: manager,
    get(name) { return traits[name]; },
    set(name, value) { traits[name] = value; },
    save_changes() { this.saved += 1; },
    send(content) { this.sent.push(content); },
    on(names, action) { for (const name of names.split(" ")) listeners.push([name, action]); },
    off(names, action) {
      for (const name of names.split(" ")) {
        const at = listeners.findIndex((each) => each[0] === name && each[1] === action);
        if (at >= 0) listeners.splice(at, 1);
      }
    },
    /** The kernel says something: values of traits, or a message. */
    told(values) {
      Object.assign(traits, values);
      for (const name of Object.keys(values)) this.heard(`change:${name}`);
    },
    heard(event, ...given) {
      for (const [name, action] of [...listeners]) if (name === event) action(...given);
    },
    get listening() { return listeners.length; },
  };
}
