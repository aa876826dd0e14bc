// What somebody needs to know who sees the dashboard for the first time: four bubbles, once.

// A cookie: `crmasks lab` has another port each time, and the storage of a page belongs to its port.
const VISITED = "crmasks-visited";
const KEPT = 400 * 86400; // s; no browser keeps one longer
const STEPS = [
  {
    title: "The cloud",
    text: "Every pixel of the frame: to the right how bright it is, upwards by how much the median of the " +
      "exposures exceeds their minimum. Where they differ by noise only, pixels stay in the cloud.",
    marks: [".crmasks-left .crmasks-plot .plotarea_background", ".crmasks-left .crmasks-plot"],
  },
  {
    title: "The line",
    text: "Pixels above it, where the ground is tinted, are flagged. Drag it anywhere: counts, masks and image follow, and Undo takes it back.",
    marks: [".crmasks-hand path.boundary", ".crmasks-left .crmasks-plot"],
  },
  {
    title: "A hit",
    text: "Each card is a place where cosmic rays may have spoilt the median. Click a card, a mark in the diagram or a " +
      "ring in the image: it is selected everywhere, and shown large.",
    marks: [".crmasks-gallery", ".crmasks-below"],
  },
  {
    title: "Your verdict",
    text: "y confirms a hit, n rejects it, u leaves it undecided; then comes the next. Verdicts are saved with the parameters, " +
      "so that crmasks run gives the masks that you see. All keys: ?",
    marks: [".crmasks-hit-foot", ".crmasks-hit", ".crmasks-below"],
  },
];

/** Whether somebody has seen this before; where nothing can be kept, on this page. */
function visited() {
  try {
    return document.cookie.split("; ").includes(`${VISITED}=1`) || Boolean(window.crmasksVisited);
  } catch {
    return Boolean(window.crmasksVisited);
  }
}

function rememberVisit() {
  window.crmasksVisited = true;
  try {
    document.cookie = `${VISITED}=1; path=/; max-age=${KEPT}; samesite=lax`;
  } catch {
    // Cookies are refused: once a page, then.
  }
}

/**
 * Where a bubble goes beside what it explains, such that both are seen.
 * @param {{left: number, top: number, width: number, height: number}} mark in the dashboard
 * @param {{width: number, height: number}} bubble
 * @param {{width: number, height: number}} room
 */
export function placeBubble(mark, bubble, room) {
  /** @param {number} value @param {number} most */
  const within = (value, most) => Math.max(8, Math.min(value, most - 8));
  const right = mark.left + mark.width + 12;
  const left = mark.left - bubble.width - 12;
  const above = mark.top - bubble.height - 12;
  const middle = within(mark.top + (mark.height - bubble.height) / 2, room.height - bubble.height);
  if (right + bubble.width + 8 <= room.width) return { left: right, top: middle };
  if (left >= 8) return { left, top: middle };
  const across = within(mark.left + (mark.width - bubble.width) / 2, room.width - bubble.width);
  if (above >= 8) return { left: across, top: above };
  return { left: across, top: within(mark.top + mark.height + 12, room.height - bubble.height) };
}

/** Show the bubbles over a dashboard, one after the other. */
class FirstVisit {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.step = 0;
    this.mark = element("div", { className: "crmasks-marked" });
    this.title = element("b");
    this.text = element("p", { id: freshId("step") });
    this.count = element("span", { className: "crmasks-quiet" });
    this.skip = element("button", { type: "button", className: "crmasks-word", textContent: "Skip" });
    this.next = element("button", { type: "button", className: "crmasks-word crmasks-go" });
    this.bubble = element("div", { className: "crmasks-bubble", role: "dialog", aria: { label: "First steps", describedby: this.text.id } },
      this.title, this.text,
      element("div", {}, this.count, element("span", { className: "crmasks-spring" }), this.skip, this.next));
    this.skip.addEventListener("click", () => this.end());
    this.next.addEventListener("click", () => this.show(this.step + 1));
    this.bubble.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        event.preventDefault();
        this.end();
      } else if (!["ArrowRight", "ArrowLeft"].includes(event.key)) {
        return;
      } else {
        this.show(Math.max(0, this.step + (event.key === "ArrowRight" ? 1 : -1)));
      }
      event.stopPropagation();
    });
    this.sized = new ResizeObserver(() => this.place());
  }

  begin() {
    rememberVisit();
    this.root.append(this.mark, this.bubble);
    this.show(0);
  }

  /** @param {number} step the first being 0 */
  show(step) {
    if (step >= STEPS.length) {
      this.end();
      return;
    }
    const { title, text } = STEPS[step];
    this.step = step;
    this.title.textContent = title;
    this.text.textContent = text;
    this.count.textContent = `${step + 1} of ${STEPS.length}`;
    this.next.textContent = step + 1 < STEPS.length ? "Next" : "Done";
    // The layout may settle after this, and what is marked with it.
    this.sized.disconnect();
    const marked = STEPS[step].marks.map((selector) => this.root.querySelector(selector));
    for (const each of [this.root, ...marked]) if (each) this.sized.observe(each);
    this.place();
    // Whoever types elsewhere goes on typing.
    const active = document.activeElement;
    if (!active || active === document.body || this.root.contains(active)) this.next.focus({ preventScroll: true });
  }

  place() {
    const room = this.root.getBoundingClientRect();
    const boxes = STEPS[this.step].marks.map((selector) => this.root.querySelector(selector)?.getBoundingClientRect());
    const box = boxes.find((each) => each?.width) ?? room;
    const left = Math.max(box.left, room.left) - room.left;
    const top = Math.max(box.top, room.top) - room.top;
    const mark = {
      left, top, width: Math.min(box.right - room.left, room.width) - left,
      height: Math.min(box.bottom - room.top, room.height) - top,
    };
    /** @param {HTMLElement} node @param {Record<string, number>} values CSS pixels, by property */
    const place = (node, values) => {
      for (const [name, value] of Object.entries(values)) node.style.setProperty(name, `${value}px`);
    };
    place(this.mark, mark);
    place(this.bubble, placeBubble(mark, this.bubble.getBoundingClientRect(), room));
  }

  end() {
    this.sized.disconnect();
    const inside = this.bubble.contains(document.activeElement);
    this.mark.remove();
    this.bubble.remove();
    if (inside) this.root.focus({ preventScroll: true });
  }
}

/**
 * Show them once there is something to see, to whoever has not seen them; and when asked.
 * @param {HTMLElement} root @param {AbortSignal} signal
 */
function explain(root, signal) {
  const steps = new FirstVisit(root);
  signal.addEventListener("abort", () => steps.end());
  root.addEventListener("crmasks-first-steps", () => steps.begin(), { signal });
  if (visited()) {
    rememberVisit();
    return;
  }
  const ready = () => root.querySelector(".crmasks-top[data-busy=false]");
  const waiting = new MutationObserver(() => {
    if (!ready()) return;
    waiting.disconnect();
    if (!visited()) steps.begin();
  });
  waiting.observe(root, { subtree: true, childList: true, attributeFilter: ["data-busy"] });
  signal.addEventListener("abort", () => waiting.disconnect());
}
