/**
 * Make an element of HTML.
 * @param {string} tag
 * @param {object} properties of the element; "aria" holds attributes without their prefix
 * @param {...(Node | string)} children
 */
function element(tag, properties = {}, ...children) {
  const { aria = {}, ...others } = properties;
  const made = Object.assign(document.createElement(tag), others);
  for (const [name, value] of Object.entries(aria)) made.setAttribute(`aria-${name}`, value);
  made.append(...children);
  return made;
}

/** An id that no other element has: a page may hold several dashboards. */
function freshId(stem) {
  return `crmasks-${stem}-${Math.random().toString(36).slice(2)}`;
}

/**
 * Make an element of SVG.
 * @param {string} tag
 * @param {object} attributes
 * @param {...(Node | string)} children
 */
function shape(tag, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}
