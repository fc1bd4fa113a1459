// SPDX-License-Identifier: Apache-2.0
// Exercises answer on the page: a field in place of the empty answer, and the check that the book has.
import { isStop, python } from "./client.js";
import { element, markdown, SIZE, typeset } from "./text.js";

const STORE = "napkin-exercises";

function stored() {
  try {
    return JSON.parse(localStorage.getItem(STORE)) ?? {};
  } catch {
    return {};
  }
}

function store(number, state) {
  try {
    localStorage.setItem(STORE, JSON.stringify({ ...stored(), [number]: state }));
  } catch {} // without room, the page forgets
}

function exercise(check) {
  const [, number] = /nk\.check\("([\d.]+)"/.exec(check.querySelector(".cell_input").textContent) ?? [];
  const answer = check.previousElementSibling;
  if (!number || !answer?.matches(".cell.tag_exercise")) return;
  const field = element("input", { type: "text", autocomplete: "off", spellcheck: false, id: `answer-${number}` });
  const said = element("output"), button = element("button", { type: "submit", textContent: "Check" });
  const form = element("form", { className: "live-exercise", noValidate: true },
    element("label", {}, `Your answer to ${number}`, field), button, said);
  const show = async ({ state, text }) => {
    form.dataset.state = state;
    said.replaceChildren(markdown(text));
    await typeset(said);
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      const feedback = await python.ask("check", number, field.value);
      await show(feedback);
      store(number, { typed: field.value, state: feedback.state, text: feedback.text });
    } catch (reason) {
      said.textContent = isStop(reason) ? "Stopped." : reason.message;
    }
    button.disabled = false;
  });
  const before = stored()[number];
  if (before) {
    field.value = before.typed;
    if (before.state === "open") said.textContent = before.text;
    else said.replaceChildren(markdown(before.text.replace(/\$([^$]+)\$/g, "`$1`")));
    form.dataset.state = before.state;
  }
  answer.hidden = check.hidden = true; // what the field stands for
  check.after(form);
}

// The words above them speak of a notebook.
const [first, , third] = document.querySelector("#exercises > p")?.childNodes ?? [];
if (first?.data === "Replace " && third?.data?.startsWith(" with your answer")) {
  first.data = "Type your answer into the field";
  third.data = third.data.replace(" with your answer", "");
  first.nextElementSibling.remove();
  first.parentElement.append(` The first check brings Python into the page${SIZE}`);
}
document.querySelectorAll(".cell.tag_check").forEach(exercise);
