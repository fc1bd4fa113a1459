// SPDX-License-Identifier: Apache-2.0
// For the public build with mystmd: a stored widget becomes what its {anywidget} directive makes.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";

const STORED = /<script type="application\/json" data-(explorer|running|memory-map)>(.*?)<\/script>/s;
const STATIC = { explorer: "../napkin/views/static/explorer", running: "diagrams/static/running", "memory-map": "diagrams/static/memory-map" };
// mystmd takes one file: the modules of an explorer are joined as napkin/views/widget.py does it for notebooks.
const here = (path) => new URL(`../${path}`, import.meta.url), MODULES = ["numbers", "chance", "program", "labels", "chart", "explorer"];
const text = MODULES.map((name) => readFileSync(here(`../napkin/views/static/${name}.js`), "utf-8")).join("\n");
mkdirSync(here("../_build/joined"), { recursive: true });
writeFileSync(here("../_build/joined/explorer.js"), text.replace(/^(import|export) .* from "\.\/.*$|^export (?!default)/gm, ""));
const SCRIPTS = { explorer: "../_build/joined/explorer.js", running: `${STATIC.running}.js`, "memory-map": `${STATIC["memory-map"]}.js` };
function visit(node) {
  for (const child of node.children ?? []) {
    const found = STORED.exec([child.jupyter_data?.data?.["text/html"] ?? ""].flat().join(""));
    if (found) {
      Object.assign(node, { type: "anywidget", esm: SCRIPTS[found[1]], css: `${STATIC[found[1]]}.css`, model: { ...JSON.parse(found[2]), kernel: false } });
      delete node.children;
      return;
    }
    visit(child);
  }
}
export default { name: "explorers", transforms: [{ name: "explorers", stage: "document", plugin: () => visit }] };
