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
