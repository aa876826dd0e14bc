/**
 * Make an element of HTML.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Properties<Tag>} properties of the element; "aria" holds attributes without their prefix
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
function element(tag, properties = {}, ...children) {
  const { aria = {}, ...others } = properties;
  const made = Object.assign(document.createElement(tag), others);
  for (const [name, value] of Object.entries(aria)) made.setAttribute(`aria-${name}`, value);
  made.append(...children);
  return made;
}

/**
 * An id that no other element has: a page may hold several dashboards.
 * @param {string} stem
 */
function freshId(stem) {
  return `crmasks-${stem}-${Math.random().toString(36).slice(2)}`;
}

/**
 * Make an element of SVG.
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number>} attributes
 * @param {...(Node | string)} children
 * @returns {SVGElementTagNameMap[Tag]}
 */
function shape(tag, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  set(made, attributes);
  made.append(...children);
  return made;
}

/** @param {Element} node @param {Record<string, string | number>} attributes */
function set(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
}

/**
 * Let an element hold one child for each thing, in their order. A child whose key was there before
 * stays: a click that began on it ends on it, whatever changes in between.
 * @template T
 * @param {Element} parent
 * @param {T[]} things
 * @param {(thing: T) => string | number} keyOf
 * @param {(thing: T) => HTMLElement} make the child of a thing that was not there
 * @param {(child: HTMLElement, thing: T) => void} show
 */
function keep(parent, things, keyOf, make, show) {
  const children = /** @type {Iterable<HTMLElement>} */ (parent.children);
  const before = new Map([...children].map((child) => [child.dataset.key, child]));
  const shown = things.map((thing) => {
    const key = String(keyOf(thing));
    const child = before.get(key) ?? make(thing);
    before.delete(key);
    child.dataset.key = key;
    show(child, thing);
    return child;
  });
  for (const child of before.values()) child.remove();
  shown.forEach((child, i) => {
    if (parent.children[i] !== child) parent.insertBefore(child, parent.children[i] ?? null);
  });
}

/** What draws on a canvas. @param {HTMLCanvasElement} canvas */
function penOf(canvas) {
  return /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
}

const STAYS = "crmasks-stays"; // told to a dashboard whose session was to go, and does not

/**
 * Let nothing be done to a session that goes; keys wait for the page of the next one.
 * @param {HTMLElement} root
 */
function waitForNext(root) {
  root.focus({ preventScroll: true });
  root.crmasksKeys ??= [];
  root.setAttribute("aria-busy", "true");
}

/**
 * The scale of an axis, which the model names by its id.
 * @param {Model} model @param {"x" | "y"} name @returns {Promise<Model>}
 */
function scaleOf(model, name) {
  return model.widget_manager.get_model(model.get(name).replace("IPY_MODEL_", ""));
}
