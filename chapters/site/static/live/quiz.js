// SPDX-License-Identifier: Apache-2.0
// A quiz as radio buttons, each answered with its feedback. It needs no Python.
import { element } from "./text.js";

// Words that the build of the site escaped and typeset.
const html = (tag, facts, text) => element(tag, { ...facts, innerHTML: text });

function question({ asks, options }, place) {
  const said = element("output");
  const box = element("fieldset", { className: "live-quiz" }, html("legend", {}, `${place + 1}. ${asks}`));
  for (const option of options) {
    const radio = element("input", { type: "radio", name: `quiz-${place}` });
    radio.addEventListener("change", () => {
      box.dataset.state = option.correct ? "right" : "wrong";
      said.innerHTML = `<b>${option.correct ? "Right" : "Not quite"}.</b> ${option.feedback}`;
    });
    box.append(element("label", {}, radio, html("span", {}, option.says)));
  }
  box.append(said);
  return box;
}

for (const stored of document.querySelectorAll("script[data-quiz]")) {
  const output = stored.closest(".cell_output"), questions = JSON.parse(stored.textContent);
  output.replaceChildren(...questions.map(question));
  output.previousElementSibling?.matches(".cell_input") && (output.previousElementSibling.hidden = true);
}
