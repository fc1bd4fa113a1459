// SPDX-License-Identifier: Apache-2.0
// An explorer: controls, a curve, and what decides. The site loads it with the modules that it imports; JupyterLab
// and mystmd get all of them as one.
import { chart, room } from "./chart.js";
import { svg } from "./labels.js";
import { counted, placed, python, share, told, typed, unitOf, value } from "./numbers.js";
import { compile, idle, reach } from "./program.js";
export { show, ticks } from "./numbers.js";
export { compile, FUNCTIONS, largest } from "./program.js";

// A value after the meaning of its quantity: "users with an open session: 164", not 164 users.
const said = (x, y) => (y.meaning.includes(unitOf(y.unit)) ? told(x, y.unit).replace(new RegExp(` ${unitOf(y.unit)}$`), "") : told(x, y.unit));

function html(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

// What a reader moves: a row for each control, and a function that shows where it stands, and why it can't act.
const tell = (model, key, x) => { model.set(key, x); model.save_changes(); };
function row(name, meaning, id, input, ...rest) {
  const code = html("small", { id: `${id}-why` });
  const label = html("label", { htmlFor: id, title: name }, meaning, " ", code);
  input.setAttribute("aria-describedby", code.id);
  const box = html("div", { className: "nk-control" }, label, input, ...rest);
  const dim = (why, note) => {
    box.classList.toggle("nk-idle", Boolean(why));
    code.textContent = why || note || (name.replaceAll("_", " ") === meaning ? "" : name);
  };
  return { row: box, dim };
}
function slider(model, s, id, redraw) {
  const range = html("input", { type: "range", id, min: 0, max: 1, step: 0.002 }), unit = unitOf(s.unit), label = html("span", { className: "nk-unit" });
  const number = html("input", { type: "text", inputMode: "decimal", autocomplete: "off" });
  number.setAttribute("aria-label", `${s.meaning}, exact value${unit ? ` in ${unit}` : ""}`);
  const now = () => model.get("values")[s.name], hold = (x) => Math.min(s.high, Math.max(s.low, s.whole ? Math.round(x) : x));
  const move = (x) => tell(model, "values", { ...model.get("values"), [s.name]: hold(x) });
  range.addEventListener("input", () => {
    const x = value(s, +range.value);
    // A key moves a whole number by one at least.
    move(s.whole && x === now() ? now() + Math.sign(+range.value - share(s, now())) : x);
  });
  // A number beyond the ends is held there, and the row says so until something else moves it.
  let beyond = { at: NaN, words: "" };
  const take = () => {
    const x = Number(number.value.replace(/[,_\s]/g, ""));
    move(number.value.trim() === "" || !isFinite(x) ? now() : x);
    if (x > s.high || x < s.low) beyond = { at: now(), words: `${x > s.high ? "at most" : "at least"} ${placed(s, now())} here` };
    redraw();
  };
  number.addEventListener("change", take);
  number.addEventListener("keydown", (event) => event.key === "Enter" && take());
  const stand = (values) => {
    const x = values[s.name];
    range.value = share(s, x);
    range.setAttribute("aria-valuetext", placed(s, x));
    number.value = typed(x);
    label.textContent = counted(s.unit, x);
  };
  return { ...row(s.name, s.meaning, id, range, number, label), stand, note: () => (now() === beyond.at ? beyond.words : "") };
}
function menu(model, m, i, id) {
  const select = html("select", { id }, ...m.options.map((o) => html("option", { textContent: o })));
  select.addEventListener("change", () => tell(model, "chosen", model.get("chosen").with(i, select.value)));
  return { ...row(m.name, m.meaning ?? m.name, id, select), stand: () => (select.value = model.get("chosen")[i]) };
}
// A formula of the reader's own: Python reads it, and says what is wrong with it.
function written(model, id) {
  const field = html("input", { type: "text", id, placeholder: "target = expression", spellcheck: false });
  const error = html("span", { className: "nk-error", id: `${id}-error`, role: "alert" });
  field.setAttribute("aria-describedby", error.id);
  field.addEventListener("change", () => tell(model, "formula", field.value));
  model.on("change:error", () => {
    error.textContent = model.get("error");
    field.setAttribute("aria-invalid", String(Boolean(model.get("error"))));
  });
  return html("div", { className: "nk-typed" }, html("label", { htmlFor: id, textContent: "Assume another formula" }), field, error);
}

// The state in the address, for a page that has one of its own: what differs from the start, as #context=5000. From
// the second explorer of a page on, names carry its number.
function address(model, spec, first, key) {
  const params = () => new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");
  const slots = [
    ...spec.menus.map((m, i) => ({ name: key + m.name, has: (t) => m.options.includes(t), at: ({ chosen }) => chosen[i], put: (state, t) => (state.chosen[i] = t) })),
    ...spec.sliders.map((s) => ({
      name: key + s.name, has: (t) => t !== "" && isFinite(t), at: ({ values }) => values[s.name],
      put: (state, t) => (state.values[s.name] = Math.min(s.high, Math.max(s.low, s.whole ? Math.round(t) : +t))),
    })),
  ];
  const state = () => ({ chosen: [...model.get("chosen")], values: { ...model.get("values") } });
  function restore() {
    const asked = params(), next = { chosen: [...first.chosen], values: { ...first.values } };
    const found = slots.filter((slot) => asked.has(slot.name) && slot.has(asked.get(slot.name)));
    found.forEach((slot) => slot.put(next, asked.get(slot.name)));
    if (found.length) for (const name of ["chosen", "values"]) model.set(name, next[name]);
    return found.length > 0;
  }
  function write() {
    const now = state(), other = params();
    for (const slot of slots) slot.at(now) === slot.at(first) ? other.delete(slot.name) : other.set(slot.name, slot.at(now));
    if (`${other}` || location.hash.includes("=")) history.replaceState(history.state, "", `${other}` ? `#${other}` : location.pathname + location.search);
  }
  return { restore, write };
}

let count = 0;
function render({ model, el }) {
  const place = ++count, id = `nk-${place}`, root = html("div", { className: "nk-explorer", role: "group" });
  root.dataset.lmSuppressShortcuts = "true"; // or JupyterLab takes the arrow keys
  root.addEventListener("keydown", (event) => event.stopPropagation());
  const first = { chosen: [...model.get("chosen")], values: { ...model.get("values") } };
  let spec, compiled, ghost = null, pinned = null, inputs = [], opening = null, axes = null, shown = null, frame = 0, later = 0, held = false, link = null, painted = 0;

  const controls = html("div", { className: "nk-controls" }), code = html("code", { tabIndex: 0 });
  const out = html("output", { className: "nk-value" }), was = html("div", { className: "nk-was" });
  const plot = svg("svg", { role: "img" }), pointer = svg("g", { "aria-hidden": "true" });
  const [beside, below, key] = ["nk-beside", "nk-below", "nk-key"].map((className) => html("div", { className, ariaHidden: "true" }));
  const form = html("div", { className: "nk-formula", tabIndex: 0, role: "math" }), table = html("table");
  const long = html("details", {}, html("summary", { textContent: "As a formula" }), form);
  const button = (textContent, press) => html("button", { type: "button", textContent, onclick: press });
  const pin = button("", () => { hold(pinned ? null : { compiled, values: { ...model.get("values") }, label: pinning() }); draw(); });
  // The value says which quantity it is of; the options say the rest.
  const pinning = () => [...model.get("chosen").filter((_, i) => spec.menus[i].name !== "shown"), out.textContent].join(", ");
  const copied = (textContent, text) => {
    const made = button(textContent, async () => {
      await navigator.clipboard?.writeText(text()).catch(() => {});
      made.textContent = "Copied";
      setTimeout(() => (made.textContent = textContent), 1500);
    });
    return made;
  };
  const back = button("Back to the start", () => {
    for (const name of ["chosen", "values"]) tell(model, name, name === "chosen" ? [...first.chosen] : { ...first.values });
  });
  const buttons = html("div", { className: "nk-row" }, back, pin, copied("Copy as Python", () => code.textContent));
  if (!model.get("kernel")) buttons.append(copied("Copy link", () => (link.write(), location.href)));
  root.append(controls, out, html("div", { className: "nk-head" }, beside, was), plot, below, key, long, buttons, html("pre", { className: "nk-code" }, code));
  root.append(html("details", {}, html("summary", { textContent: "As a table" }), table));
  if (model.get("kernel")) root.append(written(model, `${id}-formula`));
  el.append(root);

  function hold(what) {
    pinned = what;
    pin.textContent = pinned ? "Remove the pinned curve" : "Pin this curve";
  }
  function rebuild() {
    spec = model.get("spec");
    root.setAttribute("aria-label", `Explorer of ${spec.y.meaning} over ${spec.sliders[0].meaning}`);
    const menus = spec.menus.map((m, i) => menu(model, m, i, `${id}-menu-${i}`));
    inputs = [...menus, ...spec.sliders.map((s, i) => slider(model, s, `${id}-${i}`, draw))];
    controls.replaceChildren(...inputs.map((input) => input.row));
    ghost ??= { compiled: compile(spec, first.chosen), values: first.values };
    opening = room(reach(spec, first.chosen, first.values), opening, spec.logy);
    axes = opening;
    hold(null);
    choose();
  }
  function choose() {
    compiled = compile(spec, model.get("chosen"));
    form.innerHTML = compiled.formula ?? "";
    long.hidden = !compiled.formula;
    long.open = true;
    long.open = form.scrollWidth <= form.clientWidth + 1; // who wants to read more than fits can open it
    draw();
  }
  function draw() {
    const values = model.get("values"), now = compiled.at(values), { y } = compiled;
    inputs.forEach((input) => input.stand(values));
    const binds = now.words.length ? ` (${now.words.join(", ")})` : "";
    out.textContent = now.reason ? `No value here: ${now.reason}.` : `${y.meaning}: ${said(now.value, y)}${binds}`;
    Object.assign(root.dataset, { target: y.name, value: now.reason ? "" : now.value, limits: now.limits.join(" "), reason: now.reason });
    code.textContent = compiled.error ?? compiled.code.replace("{moved}", spec.sliders.map((s) => `${s.name}=${python(s, values[s.name])}`).join(", "));
    cancelAnimationFrame(frame); // the number is there at once, the curve in the next frame
    frame = requestAnimationFrame(paint);
  }
  function paint() {
    const chosen = model.get("chosen"), values = model.get("values"), width = Math.max(280, root.clientWidth || 640);
    painted = root.clientWidth;
    const state = () => chart({ spec, chosen, values, ghost, pinned, width, frame: { ...axes, id } });
    shown = state();
    const fit = held ? axes : room(shown.values, opening, spec.logy); // it stays put while a reader drags
    if (fit.low !== axes.low || fit.top !== axes.top) { axes = fit; shown = state(); }
    plot.setAttribute("viewBox", `0 0 ${width} ${shown.height}`);
    const moved = JSON.stringify([chosen, values]) !== JSON.stringify([first.chosen, first.values]);
    was.textContent = [moved && shown.ghosted ? "gray: where you started" : "", pinned ? `dashed: ${pinned.label}` : ""].filter(Boolean).join("; ");
    back.disabled = !moved;
    beside.textContent = shown.beside;
    below.textContent = shown.below;
    below.style.paddingLeft = `${Math.max(0, 2 * shown.middle - width)}px`; // below the plot, not the names beside it
    below.style.paddingRight = `${Math.max(0, width - 2 * shown.middle)}px`;
    key.textContent = shown.key;
    const words = `Line chart of ${shown.beside} over ${shown.below}. ${out.textContent}` + (pinned ? ` Pinned: ${pinned.label}.` : "");
    plot.setAttribute("aria-label", words);
    plot.replaceChildren(...shown.nodes, pointer);
    const cells = (tag, row) => html("tr", {}, ...row.map((textContent) => html(tag, { textContent, ...(tag === "th" && { scope: "col" }) })));
    table.replaceChildren(cells("th", [spec.sliders[0].meaning, compiled.y.meaning, "decided by"]), ...shown.rows.map((row) => cells("td", row)));
    const why = idle(spec, chosen, values);
    inputs.forEach((input, i) => input.dim(why[i], input.note?.()));
    clearTimeout(later);
    if (link) later = setTimeout(link.write, 250); // browsers allow a hundred changes in half a minute
  }

  // On the curve: a press jumps, a drag goes along, a pointer reads out; a finger that scrolls the page does neither.
  const pixel = (event) => event.clientX - plot.getBoundingClientRect().left;
  const jump = (event) => tell(model, "values", { ...model.get("values"), [spec.sliders[0].name]: shown.at(pixel(event)) });
  const free = () => { held = false; draw(); };
  let from = null;
  plot.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    [from, held] = [pixel(event), true];
    plot.setPointerCapture(event.pointerId);
    if (event.pointerType !== "touch") jump(event);
  });
  plot.addEventListener("pointermove", (event) => {
    if (from !== null && (event.pointerType !== "touch" || Math.abs(pixel(event) - from) > 4)) jump(event);
    pointer.replaceChildren(...(from === null && event.pointerType !== "touch" ? shown.mark(pixel(event)) : []));
  });
  plot.addEventListener("pointerup", (event) => { if (from !== null) { from = null; jump(event); free(); } });
  plot.addEventListener("pointercancel", () => { from = null; free(); });
  plot.addEventListener("pointerleave", () => pointer.replaceChildren());
  controls.addEventListener("pointerdown", (event) => { held = event.target.type === "range"; });
  const release = () => held && from === null && free();
  for (const event of ["pointerup", "pointercancel", "change"]) controls.addEventListener(event, release);

  const calls = { "change:values": draw, "change:chosen": choose, "change:spec": rebuild };
  for (const [event, call] of Object.entries(calls)) model.on(event, call);
  rebuild();
  const resized = new ResizeObserver(() => root.clientWidth !== painted && draw()), follow = () => link.restore() && root.scrollIntoView();
  resized.observe(root);
  if (!model.get("kernel")) {
    link = address(model, spec, first, place > 1 ? `${place}.` : "");
    addEventListener("hashchange", follow);
    follow();
  }
  return () => {
    resized.disconnect();
    removeEventListener("hashchange", follow);
    Object.entries(calls).forEach(([event, call]) => model.off(event, call));
  };
}
export default { render };
