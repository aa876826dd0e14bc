// Elements of the page, of HTML and of SVG.

const SVG = "http://www.w3.org/2000/svg";

function make(parent, name, attributes = {}) {
  const svg = parent.namespaceURI === SVG || name === "svg";
  const node = svg ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return parent.appendChild(node);
}

// As many children as there are things to show, each told what it shows.
function each(group, things, name, show) {
  while (group.childElementCount > things.length) group.lastElementChild.remove();
  while (group.childElementCount < things.length) make(group, name);
  things.forEach((thing, i) => show(group.children[i], thing, i));
}

function set(node, attributes) {
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
}

function imageOf(src) {
  const image = new Image();
  image.src = src;
  return image;
}
