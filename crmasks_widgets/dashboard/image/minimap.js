// A small map of the frame; a press or a drag in it says what to look at.

const LONGEST = 120; // side of the map, pixels

/** @param {Widget} widget */
function render({ model, el }) {
  const picture = element("img", { alt: "The whole frame", draggable: false });
  const box = element("div", { className: "crmasks-map-part" });
  const title = "Where the image is; click to look elsewhere";
  const map = element("div", { className: "crmasks-map", title }, picture, box);
  el.append(map);
  let address = "";

  const drawPicture = () => {
    if (address) URL.revokeObjectURL(address);
    address = URL.createObjectURL(new Blob([model.get("png")], { type: "image/png" }));
    picture.src = address;
    const [ny, nx] = model.get("shape");
    const scale = LONGEST / Math.max(nx, ny);
    map.style.width = `${Math.max(10, nx * scale)}px`;
    map.style.height = `${Math.max(10, ny * scale)}px`;
  };
  const drawPart = () => {
    const part = model.get("part");
    map.hidden = part.length === 0;
    const [x0, x1, y0, y1] = part;
    Object.assign(box.style, {
      left: `${100 * x0}%`, width: `${100 * (x1 - x0)}%`, bottom: `${100 * y0}%`, height: `${100 * (y1 - y0)}%`,
    });
  };
  /** @param {PointerEvent} event */
  const go = (event) => {
    if (!(event.buttons & 1)) return;
    const { left, bottom, width, height } = map.getBoundingClientRect();
    model.send({ x: (event.clientX - left) / width, y: (bottom - event.clientY) / height });
  };
  map.addEventListener("pointerdown", (event) => {
    map.setPointerCapture(event.pointerId);
    go(event);
  });
  map.addEventListener("pointermove", go);
  model.on("change:png", drawPicture);
  model.on("change:part", drawPart);
  drawPicture();
  drawPart();
  return () => {
    URL.revokeObjectURL(address);
    model.off("change:png", drawPicture);
    model.off("change:part", drawPart);
  };
}

export default { initialize, render };
