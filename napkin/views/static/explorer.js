// SPDX-License-Identifier: Apache-2.0
// An explorer: JupyterLab, the site and mystmd load this one file. The formulas come from Python,
// printed as JavaScript; what a reader moves is computed here.

const [W, H, LEFT, RIGHT, TOP, BOTTOM, POINTS] = [640, 330, 92, 34, 34, 50, 160];

// The largest x > 0 with f(x) <= 0, of an f that rises: the last place of a grid that is allowed, then bisection.
export function largest(f) {
  let power = 59;
  while (power >= -9 && !(f(8 ** power) <= 0)) power--;
  if (power === 59) return Infinity;
  if (power < -9) return 0;
  let low = 8 ** power, high = 8 * low, middle = (low + high) / 2;
  for (; low < middle && middle < high; middle = (low + high) / 2)
    if (f(middle) <= 0) low = middle;
    else high = middle;
  return low;
}

// What a case computes: the value, what decides it, or the reason why there is none.
export function compile(spec, chosen) {
  const found = spec.cases[chosen.join(" / ")];
  if (found.error) return { error: found.error, at: () => ({ reason: found.error, limits: [], words: [] }) };
  const { code, reasons, graph, formula } = spec.programs[found.program];
  const run = new Function("v", "a", "largest", `let w = -1;\n${code}\nreturn w;`);
  const scales = Object.fromEntries(spec.sliders.map((s) => [s.name, s.scale]));

  function decided(v, a) {
    const limits = [], words = [], seen = new Set(), queue = [spec.y.name];
    while (queue.length) {
      const name = queue.shift(), node = graph[name];
      if (!node || seen.has(name)) continue;
      seen.add(name);
      if (!node.sides) queue.push(...node.needs);
      else {
        const sides = a[name], best = (node.max ? Math.max : Math.min)(...sides), i = sides.indexOf(best);
        if (!node.needs[i].length) continue; // a constant decides nothing
        limits.push(node.sides[i]);
        words.push(node.words[i]);
        queue.push(...node.needs[i]);
      }
    }
    return { limits, words };
  }

  function at(values) {
    const v = { ...found.given }, a = {};
    for (const name in values) v[name] = values[name] * scales[name];
    const why = run(v, a, largest);
    const reason = why < 0 ? "" : reasons[why];
    return { value: v[spec.y.name] / spec.y.scale, reason, ...decided(v, a) };
  }
  return { at, formula, code: found.code };
}

// Numbers as the book writes them: three digits, and a prefix that suits.
const PREFIXES = [[1e15, "P"], [1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]];
const COUNTS = [[1e12, "trillion"], [1e9, "billion"], [1e6, "million"]];
function digits(x) {
  if (x === 0) return "0";
  const rounded = Number(x.toPrecision(3)), size = Math.abs(rounded);
  if (!(size >= 1e-3 && size < 1e15)) return rounded.toExponential(2).replace(/e([+-])(\d)$/, "e$10$2");
  const places = Math.max(0, 2 - Math.floor(Math.log10(size) + 1e-12));
  return rounded.toLocaleString("en-US", { minimumFractionDigits: places, maximumFractionDigits: places });
}
export function show(x, unit) {
  const first = unit.split(/[/ ]/)[0], size = Math.abs(Number(x.toPrecision(3)));
  const plural = ["token", "sequence", "user", "GPU", "layer", "element"].includes(unit) && size !== 1 ? "s" : "";
  const short = unit === "1" ? "" : unit.replace(/\bbyte\b/, "B") + plural;
  const tell = (y, word) => `${digits(y)} ${word}`.trim();
  if ((first === "byte" || first === "FLOP") && size >= 1000) {
    const [power, prefix] = PREFIXES.find(([p]) => p <= (unit === "FLOP/s" ? 1e12 : 1e15) && size >= p);
    return tell(x / power, prefix + short);
  }
  if (unit === "s" && size > 0 && size < 1) return size >= 1e-3 ? tell(x * 1e3, "ms") : tell(x * 1e6, "µs");
  if (unit === "s" && size >= 7200) return tell(x / 3600, "h");
  if (Number.isInteger(x) && size < 1e6) return `${x.toLocaleString("en-US")} ${short}`.trim();
  for (const [power, word] of COUNTS)
    if (size >= power && size < 1e15) return `${digits(x / power)} ${word} ${short}`.trim();
  return tell(x, short);
}

const share = (s, x) => (s.log ? Math.log(x / s.low) / Math.log(s.high / s.low) : (x - s.low) / (s.high - s.low));
function value(s, u) {
  const x = s.log ? s.low * (s.high / s.low) ** u : s.low + u * (s.high - s.low);
  return s.whole ? Math.round(x) : Number(x.toPrecision(4));
}
function python(s, x) {
  const text = Number.isInteger(x) ? String(x).replace(/\B(?=(\d{3})+$)/g, "_") : String(x);
  return s.prefix ? `"${x} ${s.unit}"` : text;
}

// Round numbers between two ends: powers of ten (with 2 and 5 between, if they are few), or even steps.
export function ticks(low, high, log) {
  const found = [];
  if (log) {
    const first = Math.floor(Math.log10(low)), last = Math.ceil(Math.log10(high)), few = Math.log10(high / low) < 3;
    for (let i = first; i <= last; i++) for (const m of few ? [1, 2, 5] : [1]) found.push(m * 10 ** i);
  } else {
    const rough = (high - low) / 5, power = 10 ** Math.floor(Math.log10(rough));
    const step = power * [1, 2, 5, 10].find((m) => m * power >= rough * 0.999);
    for (let i = Math.ceil(low / step); i * step <= high * (1 + 1e-9); i++) found.push(i * step);
  }
  return found.filter((t) => t >= low * (1 - 1e-9) && t <= high * (1 + 1e-9)).map((t) => Number(t.toPrecision(6)));
}
// Along an axis numbers are short: 20k, 1.5M; bytes, FLOP and large counts bring the prefix into the axis's own unit.
export function axis(unit, top) {
  const large = (x) => PREFIXES.find(([p]) => x >= p) ?? [1, ""];
  const [factor, prefix] = axisPrefix(unit, top, large), short = prefix + unit.replace(/^1$/, "").replace(/\bbyte\b/, "B");
  const tick = (t) => {
    const x = t / factor, [p, letter] = top / factor >= 1e4 && Math.abs(x) >= 1e3 ? large(x) : [1, ""];
    return String(Number((x / p).toPrecision(3))) + letter;
  };
  return { tick, unit: short };
}
function axisPrefix(unit, top, large) {
  if (/^(byte|FLOP)/.test(unit)) return large(top);
  if (unit === "s" && top < 1) return top < 1e-3 ? [1e-6, "µ"] : [1e-3, "m"];
  return (unit === "1" && COUNTS.find(([p]) => top >= p)) || [1, ""];
}

function html(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}
function svg(tag, attributes, text = "") {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, x] of Object.entries(attributes)) element.setAttribute(name, x);
  element.textContent = text;
  return element;
}

// What a reader moves: a row for each control, and a function that shows where it stands.
const tell = (model, key, x) => { model.set(key, x); model.save_changes(); };
function slider(model, s, id, redraw) {
  const range = html("input", { type: "range", id, min: 0, max: 1, step: 0.002 });
  const number = html("input", { type: "number", step: "any" });
  const label = html("label", { htmlFor: id, title: s.meaning }, s.name);
  label.append(s.unit === "1" ? "" : html("small", { textContent: ` ${s.unit}` }));
  number.setAttribute("aria-label", `${s.name}, exact value${s.unit === "1" ? "" : ` in ${s.unit}`}`);
  range.addEventListener("input", () => {
    const now = model.get("values")[s.name];
    let x = value(s, +range.value);
    // A key moves a whole number by one at least.
    if (s.whole && x === now) x = Math.min(s.high, Math.max(s.low, now + Math.sign(+range.value - share(s, now))));
    tell(model, "values", { ...model.get("values"), [s.name]: x });
  });
  number.addEventListener("change", () => {
    const x = number.value === "" || !isFinite(number.value) ? model.get("values")[s.name] : Number(number.value);
    const held = Math.min(s.high, Math.max(s.low, s.whole ? Math.round(x) : x));
    tell(model, "values", { ...model.get("values"), [s.name]: held });
    redraw();
  });
  const stand = (values) => {
    const x = values[s.name];
    range.value = share(s, x);
    range.setAttribute("aria-valuetext", s.prefix ? `${digits(x)} ${s.unit}` : show(x, s.unit));
    number.value = x;
  };
  return { row: html("div", { className: "nk-control" }, label, range, number), stand };
}
function menu(model, m, i, id) {
  const select = html("select", { id }, ...m.options.map((o) => html("option", { textContent: o })));
  select.addEventListener("change", () => tell(model, "chosen", model.get("chosen").with(i, select.value)));
  const label = html("label", { htmlFor: id, textContent: m.name });
  return { row: html("div", { className: "nk-control" }, label, select), stand: () => (select.value = model.get("chosen")[i]) };
}
// A formula of the reader's own: Python reads it, and says what is wrong with it.
function typed(model, id) {
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

// The curve over the first slider, and what decides along it.
function curve(x, compiled, values) {
  return Array.from({ length: POINTS + 1 }, (_, i) => {
    const at = x.log ? x.low * (x.high / x.low) ** (i / POINTS) : x.low + ((x.high - x.low) * i) / POINTS;
    return { at, ...compiled.at({ ...values, [x.name]: at }) };
  });
}
const there = (p) => !p.reason && isFinite(p.value);
function bands(points, px) {
  const nodes = [], band = (p) => p.reason || p.words.join(", ");
  for (let i = 0, start = 0, odd = 0; i <= POINTS; i++) {
    if (i < POINTS && band(points[i + 1]) === band(points[start])) continue;
    const left = px(points[start].at), right = px(points[Math.min(i + 1, POINTS)].at), words = band(points[start]);
    const look = points[start].reason ? "nk-none" : `nk-band-${odd++ % 2}`;
    nodes.push(svg("rect", { x: left, y: TOP, width: right - left, height: H - TOP - BOTTOM, class: look }));
    if (right - left > 7 * words.length) nodes.push(svg("text", { x: (left + right) / 2, y: TOP - 10, "text-anchor": "middle" }, words));
    start = i + 1;
  }
  return nodes;
}
function path(points, px, py) {
  const step = (p, i) => `${i && there(points[i - 1]) ? "L" : "M"}${px(p.at).toFixed(1)},${py(p.value).toFixed(1)}`;
  return points.map((p, i) => (there(p) ? step(p, i) : "")).join("");
}
function chart(spec, compiled, values, pinned) {
  const [x] = spec.sliders, points = curve(x, compiled, values), before = pinned ? curve(x, pinned.compiled, pinned.values) : [];
  const seen = [...points, ...before].filter(there).map((p) => p.value), now = compiled.at(values);
  const top = (Math.max(0, ...seen) || 1) * 1.06, low = Math.min(...seen), logy = low > 0 && top / low > 50;
  const px = (u) => LEFT + share(x, u) * (W - LEFT - RIGHT);
  const py = (y) => H - BOTTOM - (logy ? Math.log(y / low) / Math.log(top / low) : y / top) * (H - TOP - BOTTOM);
  const xaxis = axis(x.prefix ? "1" : x.unit, x.high), yaxis = axis(spec.y.unit, top), middle = (TOP + H - BOTTOM) / 2;
  const named = (q, unit, log) => q.name + (unit ? ` (${unit})` : "") + (log ? ", log" : "");
  const below = named(x, x.prefix ? x.unit : xaxis.unit, x.log), beside = named(spec.y, yaxis.unit, logy);
  const nodes = bands(points, px);
  for (const u of ticks(x.low, x.high, x.log))
    nodes.push(svg("text", { x: px(u), y: H - BOTTOM + 18, "text-anchor": "middle" }, xaxis.tick(u)));
  for (const y of ticks(logy ? low : 0, top, logy))
    nodes.push(
      svg("line", { x1: LEFT, x2: W - RIGHT, y1: py(y), y2: py(y), class: "nk-grid" }),
      svg("text", { x: LEFT - 8, y: py(y) + 4, "text-anchor": "end" }, yaxis.tick(y)),
    );
  nodes.push(svg("text", { x: (LEFT + W - RIGHT) / 2, y: H - 8, "text-anchor": "middle" }, below));
  nodes.push(svg("text", { x: 18, y: middle, "text-anchor": "middle", transform: `rotate(-90 18 ${middle})`, class: "nk-side" }, beside));
  if (pinned) nodes.push(svg("path", { d: path(before, px, py), class: "nk-pinned" }));
  nodes.push(svg("path", { d: path(points, px, py), class: "nk-curve" }));
  if (there(now)) nodes.push(svg("circle", { cx: px(values[x.name]), cy: py(now.value), r: 6, class: "nk-point" }));
  return { nodes, told: `Line chart of ${beside} over ${below}.` };
}

let count = 0;
function render({ model, el }) {
  const id = `nk-${++count}`, root = html("div", { className: "nk-explorer", role: "group" });
  root.dataset.lmSuppressShortcuts = "true"; // or JupyterLab takes the arrow keys
  root.addEventListener("keydown", (event) => event.stopPropagation());
  let spec, compiled, pinned = null, inputs = [], frame = 0;

  const controls = html("div", { className: "nk-controls" }), code = html("code", { tabIndex: 0 });
  const out = html("output", { className: "nk-value" }), was = html("div", { className: "nk-was" });
  const plot = svg("svg", { viewBox: `0 0 ${W} ${H}`, role: "img" });
  const form = html("div", { className: "nk-formula", tabIndex: 0, role: "math" });
  const pin = html("button", { type: "button" }), copy = html("button", { type: "button", textContent: "Copy as Python" });
  root.append(controls, out, was, plot, form, html("div", { className: "nk-row" }, pin, copy), html("pre", { className: "nk-code" }, code));
  if (model.get("kernel")) root.append(typed(model, `${id}-formula`));
  el.append(root);
  pin.addEventListener("click", () => {
    hold(pinned ? null : { compiled, values: { ...model.get("values") }, label: out.textContent });
    draw();
  });
  copy.addEventListener("click", async () => {
    await navigator.clipboard?.writeText(code.textContent).catch(() => {});
    copy.textContent = "Copied";
    setTimeout(() => (copy.textContent = "Copy as Python"), 1500);
  });

  function hold(what) {
    pinned = what;
    was.textContent = pinned ? `dashed: ${pinned.label}` : "";
    pin.textContent = pinned ? "Remove the pinned curve" : "Pin this curve";
  }
  function rebuild() {
    spec = model.get("spec");
    root.setAttribute("aria-label", `Explorer of ${spec.y.name} over ${spec.sliders[0].name}`);
    const menus = spec.menus.map((m, i) => menu(model, m, i, `${id}-menu-${i}`));
    inputs = [...menus, ...spec.sliders.map((s, i) => slider(model, s, `${id}-${i}`, draw))];
    controls.replaceChildren(...inputs.map((input) => input.row));
    hold(null);
    choose();
  }
  function choose() {
    compiled = compile(spec, model.get("chosen"));
    form.innerHTML = compiled.formula ?? "";
    draw();
  }
  function draw() {
    const values = model.get("values"), now = compiled.at(values);
    inputs.forEach((input) => input.stand(values));
    const binds = now.words.length ? `, ${now.words.join(", ")}` : "";
    out.textContent = now.reason ? `No ${spec.y.name} here: ${now.reason}.` : `${spec.y.name} ${show(now.value, spec.y.unit)}${binds}`;
    Object.assign(root.dataset, { value: now.reason ? "" : now.value, limits: now.limits.join(" "), reason: now.reason });
    code.textContent = compiled.error ?? compiled.code.replace("{moved}", spec.sliders.map((s) => `${s.name}=${python(s, values[s.name])}`).join(", "));
    cancelAnimationFrame(frame); // the number is there at once, the curve in the next frame
    frame = requestAnimationFrame(paint);
  }
  function paint() {
    const { nodes, told } = chart(spec, compiled, model.get("values"), pinned);
    const words = `${told} ${out.textContent}` + (pinned ? ` Pinned: ${pinned.label}.` : "");
    plot.setAttribute("aria-label", words);
    plot.replaceChildren(svg("title", {}, words), ...nodes);
  }

  const calls = { "change:values": draw, "change:chosen": choose, "change:spec": rebuild };
  for (const [event, call] of Object.entries(calls)) model.on(event, call);
  rebuild();
  return () => Object.entries(calls).forEach(([event, call]) => model.off(event, call));
}
export default { render };
