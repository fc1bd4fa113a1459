// SPDX-License-Identifier: Apache-2.0
// A reader's own model, GPU and users: a form that asks Python, and the answers below it.
import { isStop, python } from "./client.js";
import { element, markdown, safe, typeset } from "./text.js";

const form = document.getElementById("live-form"), out = document.getElementById("live-answer");
const own = document.getElementById("live-own-gpu"), offload = document.getElementById("live-offload");
const config = form.elements.config;
const LABELS = {
  users: "users", tpot: "time per output token", tokens_per_second_per_user: "speed of each user",
  ttft: "time to the first token", cost_per_user_month: "cost of a user for a month", cost_per_million_tokens: "cost of a million tokens",
};
const HEADS = ["users", "tpot", "tokens_per_second_per_user", "ttft", "cost_per_user_month", "cost_per_million_tokens"];

const fields = () => Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, String(value)]));

function adapt() {
  config.disabled = Boolean(form.elements.model.value.trim());
  document.getElementById("live-named").hidden = !config.disabled;
  own.hidden = form.elements.accelerator.value !== "own";
  offload.hidden = form.elements.policy.value !== "idle_offloaded";
}

// An error stands below its field, and the field says so to a screen reader.
function refuse(errors, quiet) {
  for (const place of form.querySelectorAll(".live-error")) place.remove();
  for (const field of form.elements) field.removeAttribute?.("aria-invalid");
  for (const [name, text] of Object.entries(errors)) {
    const field = form.elements[name], id = `live-error-${name}`;
    const said = element("p", { className: "live-error", id, textContent: text });
    if (!field) {
      form.append(said);
      continue;
    }
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", id);
    field.closest("label").after(said);
  }
  if (!quiet) form.querySelector("[aria-invalid]")?.focus();
}

function numbers(values) {
  const list = element("dl", { className: "live-numbers" }), reasons = new Set(HEADS.map((name) => values[name].refused));
  if (reasons.size === 1 && !reasons.has(undefined)) return element("p", { className: "live-error", textContent: [...reasons][0] });
  for (const name of HEADS) {
    const { text, exact, refused } = values[name], [, value, band] = /^(.*?)( \(.*)?$/.exec(text ?? "–");
    const number = element("dd", { textContent: value }, ...(band ? [element("small", { textContent: band })] : []));
    if (exact !== undefined) number.dataset.exact = exact;
    number.dataset.target = name;
    const told = refused ? [element("dd", { className: "live-why", textContent: refused })] : [];
    list.append(element("div", {}, element("dt", { textContent: LABELS[name] }), number, ...told));
  }
  return list;
}

function lines(title, texts, nothing) {
  if (!texts.length && !nothing) return [];
  const items = texts.map((text) => element("li", { textContent: text }));
  return [element("h3", { textContent: title }), texts.length ? element("ul", {}, ...items) : element("p", { textContent: nothing })];
}

// The largest effects as bars from a middle line: more to the right, less to the left.
function tornado({ rows }, target) {
  const largest = Math.max(...rows.map(([, , , effect]) => Math.abs(effect)));
  const body = element("tbody");
  for (const [name, meaning, value, effect] of rows) {
    const bar = element("span", { className: effect < 0 ? "down" : "up" });
    bar.style.setProperty("--share", Math.abs(effect) / largest);
    body.append(element("tr", {},
      element("th", { scope: "row", title: name }, `${meaning}, ${value}`),
      element("td", { className: "live-bar-cell" }, bar),
      element("td", { textContent: `${effect > 0 ? "+" : "−"}${Math.abs(effect).toPrecision(3)} %` })));
  }
  const caption = element("caption", { textContent: `One percent more of each changes “${LABELS[target]}” by` });
  return element("table", { className: "live-tornado" }, caption, body);
}

// The steps as a tree, of which the first two levels are open.
function tree({ html }) {
  const found = safe(html);
  for (const box of found.querySelectorAll("details details details")) box.open = false;
  return found;
}

// Where a reader had opened something, the next answer has it open too.
let opened = new Set();

// What takes longer is asked when a reader opens it.
function folded(title, call, asked, show) {
  const menu = element("select", { ariaLabel: `${title}: of what` }, ...HEADS.map((name) => new Option(LABELS[name], name)));
  const place = element("div", { className: "live-told" }), box = element("details", { open: opened.has(title) }, element("summary", { textContent: title }), menu, place);
  const ask = async () => {
    if (!box.open) return;
    place.setAttribute("aria-busy", "true");
    try {
      const told = await python.ask(call, asked, menu.value);
      place.replaceChildren(told.refused ? element("p", { textContent: told.refused }) : show(told, menu.value));
      await typeset(place);
      place.tabIndex = place.scrollWidth > place.clientWidth ? 0 : -1; // what scrolls must be reached by keys
    } catch (reason) {
      place.replaceChildren(element("p", { textContent: isStop(reason) ? "Stopped." : reason.message }));
    }
    place.removeAttribute("aria-busy");
  };
  menu.value = call === "explain" ? "users" : menu.value;
  box.addEventListener("toggle", ask);
  menu.addEventListener("change", ask);
  return box;
}

function copied(text, words) {
  const button = element("button", { type: "button", textContent: words });
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text());
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = words), 2000);
  });
  return button;
}

const KINDS = {
  ideal: "Ideal: as fast as the data sheet allows. A real server is slower; tick “As slow as measured servers” for a prediction.",
  calibrated: "Predicted for real servers. In brackets is the range in which four of five measured ones lie.",
};

// The same users with their idle caches elsewhere: asked behind the numbers, which need not wait for it.
async function policies(asked) {
  const box = element("div", { className: "live-policies" });
  try {
    box.replaceChildren(element("h3", { textContent: "What if idle caches …" }), markdown((await python.ask("policies", asked)).markdown));
    out.querySelector(".live-numbers")?.after(box);
  } catch {} // stopped: the numbers stay
}

async function compute(quiet = false) {
  const asked = fields(), button = form.querySelector("[type=submit]");
  clearTimeout(later);
  if (!quiet) button.disabled = true;
  try {
    const found = await python.ask("answer", asked);
    refuse(found.errors, quiet);
    if (Object.keys(found.errors).length) return out.replaceChildren();
    opened = new Set([...out.querySelectorAll(":scope > details[open] > summary")].map((head) => head.textContent));
    const code = element("pre", { tabIndex: 0 }, element("code", { textContent: found.code }));
    out.replaceChildren(
      element("p", { className: "live-kind", textContent: KINDS[asked.calibrated ? "calibrated" : "ideal"] }),
      numbers(found.values),
      ...lines("What decides the users", found.binding),
      ...lines("Read from your model", found.facts),
      ...lines("What was left out", found.left_out, "Nothing that the package knows of."),
      ...lines("Given, but not used here", found.unused),
      folded("The formula", "derive", asked, ({ markdown: text }) => markdown(text)),
      folded("Every step, from the data sheet on", "explain", asked, tree),
      folded("What matters most", "sensitivity", asked, tornado),
      element("details", {}, element("summary", { textContent: "As Python" }), code),
      element("p", { className: "live-take" }, copied(() => found.code, "Copy as Python"), copied(() => location.href, "Copy a link to this worksheet"),
        element("button", { type: "button", textContent: "Print", onclick: () => print() })),
    );
    history.replaceState(null, "", await link());
    answered = true;
    policies(asked);
  } catch (reason) {
    out.replaceChildren(element("p", { className: "live-error", textContent: isStop(reason) ? "Stopped." : reason.message }));
  } finally {
    if (!quiet) button.disabled = false;
    if (!quiet && document.activeElement === document.body) button.focus({ preventScroll: true }); // a disabled button loses it
  }
}

// After the first answer Python is there, and the next ones follow what is typed.
let answered = false, later = 0;
form.addEventListener("input", () => {
  clearTimeout(later);
  if (answered) later = setTimeout(compute, 300, true); // Python answers one after the other
});

// The whole worksheet in the address, packed; nothing of it is sent to a server.
const through = async (bytes, stream) => new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());

async function link() {
  const packed = await through(new TextEncoder().encode(JSON.stringify(fields())), new CompressionStream("deflate-raw"));
  const text = btoa(String.fromCharCode(...packed)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  return `${location.href.split("#")[0]}#sheet=${text}`;
}

async function restore() {
  const text = /^#sheet=([\w-]+)$/.exec(location.hash)?.[1];
  if (!text) return;
  try {
    const bytes = Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
    const stored = JSON.parse(new TextDecoder().decode(await through(bytes, new DecompressionStream("deflate-raw"))));
    for (const [name, value] of Object.entries(stored)) {
      const field = form.elements[name];
      if (field?.type === "checkbox") field.checked = Boolean(value);
      else if (field) field.value = value;
    }
    form.elements.calibrated.checked = Boolean(stored.calibrated);
    adapt();
    form.scrollIntoView();
    out.replaceChildren(element("p", { className: "live-kind", textContent: "The form holds a worksheet that came with the address. Press Compute for its numbers." }));
  } catch {
    refuse({ config: "The address of this page holds a worksheet that can't be read: it was cut off on its way." });
  }
}

async function take(file) {
  config.value = await file.text();
  form.elements.model.value = "";
  adapt();
}
config.addEventListener("dragover", (event) => event.preventDefault());
config.addEventListener("drop", async (event) => {
  const [file] = event.dataTransfer.files;
  if (!file) return;
  event.preventDefault();
  await take(file);
});
document.getElementById("live-file").addEventListener("change", async ({ target }) => {
  if (target.files[0]) await take(target.files[0]);
});
form.addEventListener("change", adapt);
form.elements.model.addEventListener("input", adapt);
form.addEventListener("submit", (event) => (event.preventDefault(), compute()));
addEventListener("hashchange", restore);
form.hidden = false;
adapt();
restore();
