// Which frame is shown: buttons side by side, and a list of the rarer ones. A click with Shift
// takes a frame into the list of those that take turns, or out of it.

const MARK = "; Shift-click: blink this frame, or no longer";

/**
 * @typedef {Object} Frames what the kernel says
 * @property {[string, string][]} frames key and word of each that has a button
 * @property {[string, string][]} others of the rarer ones
 * @property {string} shown key
 * @property {string[]} blink keys of those that take turns
 * @property {Record<string, string>} titles by key
 * @property {boolean} playing
 * @property {number} steps that were taken
 * @property {number} interval s
 */

/**
 * What the button that starts the turns says.
 * @param {Pick<Frames, "blink" | "titles">} state
 */
export function blinkTitle({ blink, titles }) {
  const which = blink.length > 1 ? blink.map((key) => titles[key]).join(", ") : "all frames";
  return `Blink: ${which} take turns (b, B); Shift-click frames to choose which`;
}

/** @param {string} key @param {string} word @param {(content: unknown) => void} send */
function segment(key, word, send) {
  const made = element("button", { type: "button", role: "radio", textContent: word });
  made.dataset.frame = key;
  made.addEventListener("click", (event) => send(event.shiftKey ? { mark: key } : { show: key }));
  return made;
}

/** @param {Widget} widget */
function render({ model, el }) {
  el.classList.add("crmasks-frames");
  /** @param {unknown} content */
  const send = (content) => model.send(content);
  const row = element("div", {
    className: "crmasks-segments crmasks-frame-row", role: "radiogroup", aria: { label: "Frame" },
  });
  const others = element("select", { title: "Other frames", aria: { label: "Other frames" } });
  const play = element("button", { type: "button", className: "crmasks-icon" });
  el.append(row, play);
  others.addEventListener("change", () => others.value && send({ show: others.value }));
  play.addEventListener("click", () => send({ play: !model.get("state").playing }));
  // Arrows go along the buttons, as in any group of which one is down.
  row.addEventListener("keydown", (event) => {
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    const all = [...row.querySelectorAll("button")];
    const place = all.findIndex((button) => button === event.target);
    if (!by || place < 0) return;
    event.preventDefault();
    event.stopPropagation();
    const next = all[(place + by + all.length) % all.length];
    next.focus();
    send({ show: next.dataset.frame });
  });

  let made = "";
  /** @param {Frames} state */
  const build = ({ frames, others: rare }) => {
    const key = JSON.stringify([frames, rare]);
    if (key === made) return;
    made = key;
    others.replaceChildren(
      element("option", { value: "", textContent: "more", hidden: true }),
      ...rare.map(([value, textContent]) => element("option", { value, textContent })),
    );
    row.replaceChildren(...frames.map(([value, word]) => segment(value, word, send)), others);
  };
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let asked = -1; // the step that is waited for
  const draw = () => {
    /** @type {Frames} */
    const state = model.get("state");
    if (!state.frames) return;
    build(state);
    const { shown, blink, titles, playing, steps } = state;
    const held = row.querySelector("[tabindex='0']");
    for (const button of row.querySelectorAll("button")) {
      const { frame = "" } = button.dataset;
      const down = frame === shown;
      button.setAttribute("aria-checked", String(down));
      button.tabIndex = down ? 0 : -1;
      const marked = blink.includes(frame);
      button.classList.toggle("crmasks-marked", marked);
      button.title = titles[frame] + (marked ? " (blinks)" : "") + MARK;
    }
    const first = held ?? row.firstElementChild;
    if (first && !row.querySelector("[tabindex='0']")) first.tabIndex = 0;
    others.value = [...others.options].some((o) => o.value === shown) ? shown : "";
    others.classList.toggle("crmasks-down", others.value !== "");
    play.title = blinkTitle(state);
    play.setAttribute("aria-label", play.title);
    play.setAttribute("aria-pressed", String(playing));
    play.className = `crmasks-icon crmasks-icon-${playing ? "pause" : "play"}`;
    if (!playing) {
      clearTimeout(timer);
      asked = -1;
    } else if (asked !== steps) {
      asked = steps;
      clearTimeout(timer);
      timer = setTimeout(() => send({ step: 1 }), 1000 * state.interval);
    }
  };
  model.on("change:state", draw);
  draw();
  return () => {
    clearTimeout(timer);
    model.off("change:state", draw);
  };
}

export default { initialize, render };
