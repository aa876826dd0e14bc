// What is around the dashboard on its page: a panel that scrolls, and JupyterLab's notebook.

/** The element that scrolls the dashboard; null where the window does. @param {HTMLElement} element */
function scrollerOf(element) {
  const panel = element.closest(".jp-WindowedPanel-outer");
  if (panel) return panel;
  for (let each = element.parentElement; each; each = each.parentElement) {
    if (each.closest(".jp-OutputArea")) continue; // as high as what it holds
    if (each === document.body || each === document.documentElement) return null;
    if (/auto|scroll/.test(getComputedStyle(each).overflowY) && each.clientHeight > 200) return each;
  }
  return null;
}

/**
 * The notebook's panel, where its one cell with a folded input shows the dashboard.
 * @param {HTMLElement} element
 */
function loneCellOf(element) {
  const panel = element.closest(".jp-NotebookPanel");
  if (!panel) return null;
  const inputs = panel.querySelectorAll(".jp-Cell-inputWrapper");
  const folded = panel.querySelector(".jp-Cell-inputWrapper.jp-mod-collapsed, " +
    ".jp-CodeCell .jp-InputPlaceholder, .jp-CodeCell .jp-Placeholder");
  return inputs.length === 1 && folded ? panel : null;
}

const TITLE = "application:toggle-header"; // not kept for another time

/** Close JupyterLab's side bars and its title, where the page lets its commands be used. */
function foldFrame() {
  const app = window.jupyterapp;
  if (app?.commands.isToggled(TITLE)) app.commands.execute(TITLE);
  for (const side of ["left", "right"]) {
    const bar = document.querySelector(`.jp-SideBar.jp-mod-${side}`);
    if (app && bar && !bar.classList.contains("lm-mod-hidden")) {
      app.commands.execute("application:toggle-side-tabbar", { side });
    }
  }
}

// A notebook holds a still picture of the dashboard beside it, for when there is no kernel.
const STILL = "crmasks-still ";
/** @param {string} png in base64 */
const isStill = (png, mark = STILL) => atob(png.replace(/\s/g, "").slice(0, 400)).includes(mark);

/** The parts of the output that hold such a picture. @param {HTMLElement} root @returns {Element[]} */
function stillsBeside(root) {
  /** @type {NodeListOf<HTMLImageElement> | undefined} */
  const images = root.closest(".jp-OutputArea")
    ?.querySelectorAll(":scope > .jp-OutputArea-child > .jp-RenderedImage img");
  const start = "data:image/png;base64,";
  return [...images ?? []].filter(({ src }) => src.startsWith(start) && isStill(src.slice(start.length, start.length + 400)))
    .flatMap((image) => image.closest(".jp-OutputArea-child") ?? []);
}

/**
 * Put a new picture into the notebook, where the page lets its notebooks be changed.
 * @param {{mark: string, data: Record<string, string>}} still what it is known by, and it by MIME type
 */
function keepStill({ mark, data }) {
  for (const panel of window.jupyterapp?.shell.widgets("main") ?? []) {
    for (const cell of panel.content?.widgets ?? []) {
      const outputs = cell.model?.outputs;
      for (let i = 0; i < (outputs?.length ?? 0); i += 1) {
        const output = outputs.get(i);
        const png = output.data["image/png"];
        if (png && isStill(String(png), mark)) output.setData({ data });
      }
    }
  }
}
