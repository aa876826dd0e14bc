import assert from "node:assert/strict";
import test from "node:test";

import { load } from "./load.mjs";
import { page } from "./page.mjs";

const { FileTable, rowsBetween, sizeInWords } = await load("opening-dialog", "FileTable");

const ROW = 24;
const pause = (ms) => new Promise((done) => { setTimeout(done, ms); });

function opened(names, more = {}) {
  page();
  const heard = [];
  const note = (what) => (given) => heard.push(given === undefined ? [what] : [what, given]);
  const table = new FileTable({
    enter: note("enter"), look: note("look"), choose: note("choose"), accept: note("accept"),
  }, [".yaml"]);
  table.scroller.clientHeight = 10 * ROW;
  table.fill({
    folder: "/data/night", up: "/data", folders: ["dark"], names, sizes: names.map(() => 2e6),
    parameters: names.flatMap((name, i) => (name.endsWith(".yaml") ? [i] : [])), prefix: "/data/night/",
    ...more,
  });
  const press = (key, given = {}) => table.scroller.fire("keydown", { key, ...given });
  return { heard, press, table };
}

const many = (n) => Array.from({ length: n }, (_, i) => `e${String(i).padStart(5, "0")}.fits`);

test("rows on screen are made, and eight above and below them", () => {
  assert.deepEqual(rowsBetween(0, 10 * ROW, 1000), [0, 18]);
  assert.deepEqual(rowsBetween(100 * ROW, 10 * ROW, 1000), [92, 118]);
  assert.deepEqual(rowsBetween(100 * ROW + 1, 10 * ROW, 1000), [92, 119]);
  assert.deepEqual(rowsBetween(990 * ROW, 10 * ROW, 1000), [982, 1000]);
  assert.deepEqual(rowsBetween(99 * ROW, 10 * ROW, 3), [3, 3]);
});

test("bytes are said in the unit that makes the number short", () => {
  assert.equal(sizeInWords(0), "0 B");
  assert.equal(sizeInWords(999), "999 B");
  assert.equal(sizeInWords(1500), "1.5 kB");
  assert.equal(sizeInWords(999600), "1.0 MB");
  assert.equal(sizeInWords(25.4e6), "25 MB");
  assert.equal(sizeInWords(5e15), "5000 TB");
});

test("of ten thousand files only what is on screen is made, wherever it is scrolled to", () => {
  const { table } = opened(many(10000));
  assert.equal(table.inside.style.height, `${10002 * ROW}px`);
  assert.equal(table.inside.childElementCount, 18);
  table.scroller.scrollTop = 5000 * ROW;
  table.scroller.fire("scroll");
  const rows = table.inside.children;
  assert.equal(rows.length, 26);
  assert.equal(rows[0].dataset.number, "4992");
  assert.equal(rows[0].style.top, `${4992 * ROW}px`);
  assert.equal(rows[8].children[1].textContent, "e04998.fits"); // after ".." and a folder
});

test("the facts of files in sight are asked for once they stay in sight, and not again", async () => {
  const { heard, table } = opened(many(40));
  assert.deepEqual(heard, []);
  await pause(120);
  const asked = heard[0][1];
  assert.deepEqual([heard.length, asked.length, asked[0]], [1, 16, "/data/night/e00000.fits"]);
  table.learn(Object.fromEntries(asked.map((path) => [path, { images: "64 × 80" }])));
  await pause(120);
  assert.equal(heard.length, 1);
  table.scroller.scrollTop = 3 * ROW;
  table.draw();
  await pause(120);
  assert.deepEqual(heard[1][1].length, 3);
});

test("Space chooses a file and takes it back; the choice is in the order of names", () => {
  const { heard, press } = opened(many(3));
  press("ArrowDown"); // from the folder
  press("ArrowDown");
  press(" ");
  press("ArrowUp");
  press(" ");
  press(" ");
  assert.deepEqual(heard.map(([, paths]) => paths), [
    ["/data/night/e00001.fits"], ["/data/night/e00000.fits", "/data/night/e00001.fits"],
    ["/data/night/e00001.fits"],
  ]);
});

test("Shift with arrows chooses all from where the range began", () => {
  const { heard, press } = opened(many(5));
  press("ArrowDown");
  press("ArrowDown", { shiftKey: true });
  press("ArrowDown", { shiftKey: true });
  assert.deepEqual(heard.at(-1), ["choose", many(3).map((name) => `/data/night/${name}`)]);
});

test("Ctrl+A chooses every exposure: no folder, no parameter file and no product", () => {
  const { heard, press, table } = opened(["a.fits", "b.fits", "c.yaml"]);
  table.learn({ "/data/night/b.fits": { product: "masks" } });
  assert.equal(press("a", { ctrlKey: true }).defaultPrevented, true);
  assert.deepEqual(heard, [["choose", ["/data/night/a.fits"]]]);
  assert.equal(press("a").defaultPrevented, false);
});

test("a parameter file is chosen alone, and exposures without it", () => {
  const { heard, table } = opened(["a.fits", "b.fits", "c.yaml"]);
  for (const number of [2, 4, 3]) table.toggle(number);
  assert.deepEqual(heard.map(([, paths]) => paths.map((path) => path.slice(12))), [
    ["a.fits"], ["c.yaml"], ["b.fits"],
  ]);
});

test("a product is not chosen, neither by a click nor by a key", () => {
  const { heard, press, table } = opened(["a.fits", "masks.fits"]);
  table.learn({ "/data/night/masks.fits": { product: "masks" } });
  press("End");
  press(" ");
  table.inside.children[3].click();
  assert.deepEqual(heard, []);
});

test("Enter goes into a folder, chooses a file, and opens what is chosen; Backspace goes up", () => {
  const { heard, press } = opened(many(2));
  press("Enter");
  press("ArrowDown");
  press("Enter");
  press("Enter");
  press("Backspace");
  assert.deepEqual(heard, [
    ["enter", "/data/night/dark"], ["choose", ["/data/night/e00000.fits"]], ["accept"], ["enter", "/data"],
  ]);
});

test("keys bring the row that they go to on screen, and no further than the last", () => {
  const { press, table } = opened(many(100));
  for (let i = 0; i < 3; i += 1) press("PageDown"); // by nine: a page less one row
  assert.equal(table.at, 28);
  assert.equal(table.scroller.scrollTop, 19 * ROW);
  press("End");
  assert.equal(table.at, 101);
  press("Home");
  assert.deepEqual([table.at, table.scroller.scrollTop], [0, 0]);
});

test("exposures that their headers call alike are offered together, and parameter files", () => {
  const { table } = opened(["a.fits", "b.fits", "c.fits", "d.fits", "p.yaml"]);
  const facts = { object: "M 51", time: "900", images: "64 × 80" };
  table.learn({
    "/data/night/a.fits": facts, "/data/night/b.fits": facts, "/data/night/c.fits": { ...facts, time: "60" },
    "/data/night/d.fits": { error: "no FITS file" },
  });
  assert.deepEqual(table.offers(), [
    { words: "2 exposures: M 51 · 900 s · 64 × 80", paths: ["/data/night/a.fits", "/data/night/b.fits"] },
    { words: "Parameter file p.yaml", paths: ["/data/night/p.yaml"] },
  ]);
});

test("a row stays that of its file, whatever is learnt, chosen or scrolled meanwhile", () => {
  const { table } = opened(many(40));
  const row = table.inside.children[5];
  const text = () => row.children[5].textContent;
  assert.deepEqual([row.dataset.number, text()], ["5", ""]);
  table.learn({ "/data/night/e00003.fits": { images: "64 × 80" } });
  table.set(["/data/night/e00003.fits"]);
  table.scroller.scrollTop = 2 * ROW;
  table.draw();
  assert.ok(table.inside.children.includes(row));
  assert.deepEqual([row.dataset.number, text(), row.ariaSelected], ["5", "64 × 80", "true"]);
  table.learn({ "/data/night/e00003.fits": { product: "masks" } });
  assert.deepEqual([text(), row.classList.contains("crmasks-file-product")], ["masks", true]);
});
