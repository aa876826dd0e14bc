// Elements of the page, of HTML and of SVG.

const SVG = "http://www.w3.org/2000/svg";

/**
 * Make an element inside another one: of SVG where that is of SVG.
 * @param {Element} parent
 * @param {string} name
 * @param {Record<string, string | number>} attributes
 * @returns {any} of which kind, its name says
 */
function make(parent, name, attributes = {}) {
  const svg = parent.namespaceURI === SVG || name === "svg";
  const node = svg ? document.createElementNS(SVG, name) : document.createElement(name);
  set(node, attributes);
  return parent.appendChild(node);
}

/**
 * As many children as there are things to show, each told what it shows.
 * @template T
 * @param {Element} group
 * @param {T[]} things
 * @param {string} name
 * @param {(node: any, thing: T, i: number) => void} show
 */
function each(group, things, name, show) {
  while (group.childElementCount > things.length) group.lastElementChild?.remove();
  while (group.childElementCount < things.length) make(group, name);
  things.forEach((thing, i) => show(group.children[i], thing, i));
}

/** @param {string} src */
function imageOf(src) {
  const image = new Image();
  image.src = src;
  return image;
}
