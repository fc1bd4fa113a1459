// SPDX-License-Identifier: Apache-2.0
// For the public build with mystmd: a stored widget becomes what its {anywidget} directive makes.
const STORED = /<script type="application\/json" data-(explorer|running|memory-map)>(.*?)<\/script>/s;
const FILES = { explorer: "../napkin/views/static/explorer", running: "diagrams/static/running", "memory-map": "diagrams/static/memory-map" };
function visit(node) {
  for (const child of node.children ?? []) {
    const found = STORED.exec([child.jupyter_data?.data?.["text/html"] ?? ""].flat().join(""));
    if (found) {
      const file = FILES[found[1]];
      Object.assign(node, { type: "anywidget", esm: `${file}.js`, css: `${file}.css`, model: { ...JSON.parse(found[2]), kernel: false } });
      delete node.children;
      return;
    }
    visit(child);
  }
}
export default { name: "explorers", transforms: [{ name: "explorers", stage: "document", plugin: () => visit }] };
