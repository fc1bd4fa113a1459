// SPDX-License-Identifier: Apache-2.0
// What the page computes: the formulas come from Python, printed as JavaScript.
import { overflow, usersAtOverflow } from "./chance.js";

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

export const FUNCTIONS = { largest, overflow, usersAtOverflow };

// What a case computes: the value, what decides it, or the reason why there is none.
const made = new WeakMap();
export function compile(spec, chosen) {
  const cases = made.get(spec) ?? made.set(spec, {}).get(spec);
  return (cases[chosen.join(" / ")] ??= compiled(spec, chosen));
}
function compiled(spec, chosen) {
  const found = spec.cases[chosen.join(" / ")];
  if (found.error) return { y: spec.y, error: found.error, uses: () => true, at: () => ({ reason: found.error, limits: [], words: [] }) };
  const { code, reasons, graph, formula, y } = { y: spec.y, ...spec.programs[found.program] };
  const run = new Function("v", "a", ...Object.keys(FUNCTIONS), `let w = -1;\n${code}\nreturn w;`);
  const scales = Object.fromEntries(spec.sliders.map((s) => [s.name, s.scale]));

  function decided(v, a) {
    const limits = [], named = [], seen = new Set(), queue = [y.name];
    while (queue.length) {
      const name = queue.shift(), node = graph[name];
      if (!node || seen.has(name)) continue;
      seen.add(name);
      if (!node.sides) queue.push(...node.needs);
      else {
        const sides = a[name], best = (node.max ? Math.max : Math.min)(...sides), i = sides.indexOf(best);
        if (!node.needs[i].length) continue; // a constant decides nothing
        limits.push(node.sides[i]);
        if (node.words[i]) named.push({ words: node.words[i], phase: node.phases?.[i] ?? "" });
        queue.push(...node.needs[i]);
      }
    }
    return { limits, words: named.map(({ phase, words }) => (named.length > 1 ? `${phase} ${words}`.trim() : words)) };
  }

  function at(values) {
    const v = { ...found.given }, a = {};
    for (const name in values) v[name] = values[name] * scales[name];
    const why = run(v, a, ...Object.values(FUNCTIONS));
    const reason = why < 0 ? "" : reasons[why];
    return { value: v[y.name] / y.scale, reason, ...decided(v, a) };
  }
  const uses = (name) => Object.values(graph).some((node) => node.needs.flat().includes(name));
  return { at, formula, code: found.code, y, uses };
}

// The curve over the first slider, and what decides along it.
export const POINTS = 160;
export const there = (p) => !p.reason && isFinite(p.value);
export function curve(x, compiled, values, points) {
  return Array.from({ length: points + 1 }, (_, i) => {
    const at = x.log ? x.low * (x.high / x.low) ** (i / points) : x.low + ((x.high - x.low) * i) / points;
    return { at, ...compiled.at({ ...values, [x.name]: at }) };
  });
}

// The cases that are drawn together: each option of the menu whose options are lines, or the one that is chosen.
export function together(spec, chosen) {
  const i = spec.menus.findIndex((m) => m.name === spec.lines);
  if (i < 0) return [{ name: "", compiled: compile(spec, chosen), now: true }];
  return spec.menus[i].options.map((name) => ({ name, compiled: compile(spec, chosen.with(i, name)), now: name === chosen[i] }));
}

// The values that one move can lead to: the axis has room for them from the start, so that it can stay.
export function reach(spec, chosen, values) {
  const [x, ...others] = spec.sliders, seen = [];
  const states = [[chosen, values], ...others.flatMap((s) => [s.low, s.high].map((end) => [chosen, { ...values, [s.name]: end }]))];
  spec.menus.forEach((m, i) => m.options.forEach((option) => states.push([chosen.with(i, option), values])));
  for (const [i, [options, where]] of states.entries()) // the first one is drawn at once, the others may be coarse
    for (const { compiled } of together(spec, options)) seen.push(...curve(x, compiled, where, i ? POINTS / 5 : POINTS).filter(there));
  return seen.map((p) => p.value);
}

// Why a control can't act in the present state, or nothing if it can.
const PLACES = 12;
export function idle(spec, chosen, values) {
  const compiled = compile(spec, chosen), now = compiled.at(values);
  const same = (p) => p.reason === now.reason && (p.reason || Math.abs(p.value - now.value) <= 1e-9 * Math.abs(now.value));
  const options = chosen.join(", "), why = now.reason || now.words.join(", ");
  const told = (used) => [used ? "no effect here" : "no part in this", (used && why) || options].filter(Boolean).join(": ");
  return [
    ...spec.menus.map((m, i) => (m.options.every((o) => same(compile(spec, chosen.with(i, o)).at(values))) ? told(true) : "")),
    ...spec.sliders.map((s) => (curve(s, compiled, values, PLACES).every(same) ? told(compiled.uses(s.name)) : "")),
  ];
}
