// SPDX-License-Identifier: Apache-2.0
// Stored explorers come alive: the module that JupyterLab loads, on a model that needs no kernel.
import explorer from "./explorer.js";
import memory from "./memory-map.js";
import running from "./running.js";
import tornado from "./tornado.js";

const modelOf = (stored) => modelWith(JSON.parse(stored.textContent));
function modelWith(what) {
  const state = { ...what, kernel: false }, listeners = {};
  return {
    get: (key) => state[key],
    set(key, value) { state[key] = value; listeners[`change:${key}`]?.forEach((call) => call()); },
    save_changes() {},
    on(event, call) { (listeners[event] ??= new Set()).add(call); },
    off(event, call) { listeners[event]?.delete(call); },
  };
}
for (const stored of document.querySelectorAll("script[data-explorer]")) {
  const el = document.createElement("div");
  stored.nextElementSibling.replaceWith(el);
  explorer.render({ model: modelOf(stored), el });
}
for (const stored of document.querySelectorAll("script[data-tornado]")) {
  const bars = document.createElement("div"), el = document.createElement("div"), model = modelOf(stored);
  stored.nextElementSibling.replaceWith(bars, el);
  tornado.render({ model, el: bars });
  let close = () => {};
  model.on("change:chosen", () => {
    close();
    el.replaceChildren();
    close = explorer.render({ model: modelWith(model.get("explorers")[model.get("chosen")]), el });
  });
}
for (const stored of document.querySelectorAll("script[data-running]")) {
  const el = document.createElement("div");
  stored.nextElementSibling.replaceWith(el);
  running.render({ model: modelOf(stored), el });
}
for (const stored of document.querySelectorAll("script[data-memory-map]")) {
  stored.nextElementSibling.remove();
  memory.render({ model: modelOf(stored), el: stored.parentElement });
}
// What scrolls sideways must be reachable with the keyboard.
function reach() {
  for (const box of document.querySelectorAll("pre, .katex-display, .math, .output, .table-wrapper"))
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
}
new ResizeObserver(reach).observe(document.body);
