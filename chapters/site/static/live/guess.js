// SPDX-License-Identifier: Apache-2.0
// A guess that a reader writes down first: a field below its cell, and its words where the chapter compares them.
import { element } from "./text.js";

const NONE = "none yet", STORE = `napkin-guess ${location.pathname}`;

// Without storage, the guess lasts as long as the page.
function kept() {
  try {
    return localStorage.getItem(STORE) ?? "";
  } catch {
    return "";
  }
}
function keep(text) {
  try {
    localStorage.setItem(STORE, text);
  } catch {}
}

const cell = [...document.querySelectorAll(".cell")].find((one) => one.querySelector(".cell_input pre")?.textContent.trim() === `guess = "${NONE}"`);
if (cell) {
  const places = [], texts = document.createTreeWalker(document.querySelector("article"), NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const { currentNode: node } = texts, counts = cell.contains(node) || node.parentElement.closest(".cell_output");
    if (node.data.includes(NONE) && counts) places.push({ node, words: node.data });
  }
  const field = element("input", { type: "text", autocomplete: "off", value: kept() });
  const show = () => {
    const text = field.value.trim().replace(/["\\]/g, "");
    for (const { node, words } of places) node.data = words.replaceAll(NONE, text || NONE);
  };
  field.addEventListener("input", () => { keep(field.value); show(); });
  cell.after(element("p", { className: "live-guess" }, element("label", {}, "Your guess ", field), element("small", { textContent: " The chapter comes back to it. It stays in your browser." })));
  show();
  // The words above speak of a notebook.
  const asked = cell.previousElementSibling;
  for (const node of asked?.childNodes ?? []) if (node.nodeType === 3) node.data = node.data.replace(/ Replace .none yet. with (your|two)/, (_, whose) => ` Write down ${whose}`);
}
