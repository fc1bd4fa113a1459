// SPDX-License-Identifier: Apache-2.0
// After one click, each cell of the page can be edited and run. What a cell shows replaces what was stored.
import { isStop, python } from "./client.js";
import { element, markdown, safe, SIZE, typeset } from "./text.js";

const PAGE = location.pathname;
const cells = [...document.querySelectorAll(".cell:not(.tag_exercise, .tag_check)")]
  .filter((cell) => cell.querySelector(".cell_input pre") && !cell.querySelector(".live-quiz, [data-quiz]"))
  .map((cell) => ({ cell, stored: cell.querySelector(".cell_input pre").textContent.trimEnd() }));

// A new interpreter knows no names yet.
python.stopped = () => cells.forEach((it) => (it.ran = undefined));

async function output(it, told) {
  const out = element("div", { className: "cell_output docutils container" }), before = it.cell.querySelector(".cell_output");
  // A cell as the book has it that cannot run here keeps what the book stored.
  const above = cells.slice(0, cells.indexOf(it) + 1), missing = told.absent ?? above.find((other) => other.absent)?.absent;
  const fails = told.error && !it.cell.matches(".tag_raises-exception") && above.every(({ editor, stored }) => editor.value === stored);
  it.absent = told.absent ?? (fails ? missing : undefined);
  if (it.absent || fails) {
    const why = it.absent ? `needs ${it.absent}, which isn't in the page` : `doesn't run in the page (${told.error})`;
    it.note.textContent = `This ${why}. What you see below is what the book stored, for its own code. In JupyterLab, it runs.`;
    return;
  }
  it.note.textContent = "";
  const value = told.value ?? {};
  if (told.printed) out.append(element("pre", { textContent: told.printed }));
  if (value["text/html"]) out.append(safe(value["text/html"]));
  else if (value["text/markdown"]) out.append(markdown(value["text/markdown"]));
  else if (value["text/latex"]) out.append(element("p", { textContent: value["text/latex"] }));
  else if (value["text/plain"]) out.append(element("pre", { textContent: value["text/plain"] }));
  if (told.error) out.append(element("pre", { className: "live-error", textContent: told.error }));
  await typeset(out);
  if (before) before.replaceWith(out);
  else if (out.childNodes.length) it.cell.querySelector(".cell_input").after(out);
}

// Cells above that have not run, or were edited since, run first; only edited ones show what is new.
async function run(last) {
  for (const it of cells.slice(0, cells.indexOf(last) + 1)) {
    const code = it.editor.value;
    if (it !== last && it.ran === code) continue;
    it.button.disabled = true;
    cells.slice(cells.indexOf(it) + 1).forEach((below) => (below.ran = undefined)); // they may use its names
    try {
      const told = await python.ask("run", code, PAGE);
      it.ran = code;
      if (it === last || code !== it.stored || it.changed || told.absent || told.error) await output(it, told);
      it.changed = code !== it.stored;
    } catch (reason) {
      it.note.textContent = isStop(reason) ? "Stopped. Python starts again with the next cell." : reason.message;
      return;
    } finally {
      it.button.disabled = false;
    }
  }
}

function enliven(it, place) {
  const input = it.cell.querySelector(".cell_input"), shown = input.querySelector("pre");
  it.editor = element("textarea", {
    className: "live-code", value: shown.textContent.trimEnd(), spellcheck: false, rows: it.stored.split("\n").length, ariaLabel: `Code of cell ${place + 1}`,
  });
  it.editor.addEventListener("input", () => (it.editor.rows = it.editor.value.split("\n").length));
  it.editor.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.shiftKey || event.ctrlKey)) {
      event.preventDefault();
      run(it);
    }
  });
  it.button = element("button", { type: "button", textContent: "Run", ariaLabel: `Run cell ${place + 1}` });
  it.button.addEventListener("click", () => run(it));
  it.note = element("p", { className: "live-note" });
  it.note.setAttribute("role", "status");
  (shown.closest(".highlight-ipython3, .highlight") ?? shown).replaceWith(it.editor);
  input.append(element("div", { className: "live-cell" }, it.button), it.note);
}

// Solutions use the names of their chapter, so they cannot run alone.
if (cells.length && !PAGE.includes("/solutions/")) {
  const button = element("button", { type: "button", textContent: "Make this page live" });
  const box = element("p", { className: "live-on" }, button, element("small", { textContent: " Edit and run its cells here. Python comes with the first one that you run" + SIZE }));
  button.addEventListener("click", () => {
    cells.forEach(enliven);
    box.textContent = "Every cell can be edited and run: press its button, or Shift and Enter. Widgets, and figures that need more than the page has, stay as the book stored them.";
    box.tabIndex = -1;
    box.focus();
  });
  document.querySelector("article h1")?.nextElementSibling?.after(box);
}
