// Parts of a module of the page, which itself only exports what a widget needs.

import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

/** What a module has under some names: `name` as tests/javascript/modules.py writes it. */
export async function load(name, ...names) {
  const path = `${process.env.CRMASKS_MODULES}/${name}`;
  const text = readFileSync(`${path}.js`, "utf-8");
  const known = new Set([...text.matchAll(/^export (?:function|const|class) (\w+)/gm)].map((found) => found[1]));
  const more = names.filter((each) => !known.has(each));
  const opened = `${path}-${process.pid}.mjs`;
  writeFileSync(opened, `${text}\nexport { ${more.join(", ")} };\n`);
  return import(pathToFileURL(opened).href);
}
