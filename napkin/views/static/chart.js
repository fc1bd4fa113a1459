// SPDX-License-Identifier: Apache-2.0
// The curve of an explorer: what decides along it, the lines beside it, and where a pointer is.
import { named, names, regions, stops, svg, wide } from "./labels.js";
import { axis, placed, share, ticks, told, value } from "./numbers.js";
import { curve, POINTS, there, together } from "./program.js";

const [H, TOP, BOTTOM, SPACE] = [300, 24, 28, 6];

function path(points, px, py) {
  const step = (p, i) => `${i && there(points[i - 1]) ? "L" : "M"}${px(p.at).toFixed(1)},${py(p.value).toFixed(1)}`;
  return points.map((p, i) => (there(p) ? step(p, i) : "")).join("");
}
// Round numbers along the axis, and the ends of a logarithmic one, which can be far from any, if there is room.
function along(x, { tick }, px, width) {
  const found = [];
  for (const u of [...ticks(x.low, x.high, x.log), ...(x.log ? [x.low, x.high] : [])]) {
    const text = tick(u), half = wide(text) / 2, at = Math.min(px(u), width - half);
    if (found.every((other) => Math.abs(other.at - at) > other.half + half + SPACE)) found.push({ text, at, half });
  }
  return found.map(({ text, at }) => svg("text", { x: at, y: H - BOTTOM + 17, "text-anchor": "middle", class: "nk-along" }, text));
}
// Where the vertical axis begins and ends: it takes in what it must, and gives up nothing of a frame.
export function room(values, frame, wanted) {
  const seen = [...values, ...(frame ? [frame.low, frame.top] : [])].filter(isFinite), least = Math.min(...seen), most = Math.max(...seen);
  if (frame && least >= frame.low && most <= frame.top) return frame;
  if (!seen.length) return { low: 0, top: 1, log: false };
  const log = frame?.log ?? wanted ?? (least > 0 && most / least > 50);
  return log && least > 0 ? { low: least / 1.15, top: most * 1.15, log } : { low: Math.min(0, least), top: (most || 1) * 1.06, log: false };
}

// Draw a state. Ghost and pinned are states, too: where the reader began, and what is to be compared.
export function chart({ spec, chosen, values, ghost, pinned, width, frame }) {
  const [x] = spec.sliders, of = (state) => curve(x, state.compiled, state.values, POINTS);
  const lines = together(spec, chosen).map((line) => ({ ...line, points: curve(x, line.compiled, values, POINTS) }));
  const here = lines.find((line) => line.now), { y } = here.compiled, now = here.compiled.at(values), { low, top, log } = frame;
  const yaxis = axis(y.unit, top, log), own = x.prefix || x.unit === "%", xaxis = axis(own ? "1" : x.unit, x.high, x.log);
  const rungs = ticks(log ? low : Math.max(0, low), top, log);
  const { rows: inRows, margin } = named(lines, width), left = 14 + Math.max(...rungs.map((t) => wide(yaxis.tick(t)))), right = width - (margin || 18);
  const px = (u) => left + share(x, u) * (right - left);
  const py = (t) => H - BOTTOM - (log ? Math.log(t / low) / Math.log(top / low) : (t - low) / (top - low)) * (H - TOP - BOTTOM);
  const inside = svg("clipPath", { id: `${frame.id}-inside` });
  inside.append(svg("rect", { x: left - 2, y: TOP - 2, width: right - left + 4, height: H - TOP - BOTTOM + 4 }));
  const clipped = { "clip-path": `url(#${frame.id}-inside)` }, drawn = (points, look) => svg("path", { d: path(points, px, py), class: look, ...clipped });
  const { nodes: shades, key } = regions(here.points, px, [TOP, H - BOTTOM]), nodes = [inside, ...shades];
  nodes.push(...along(x, xaxis, px, width));
  for (const t of rungs)
    nodes.push(
      svg("line", { x1: left, x2: right, y1: py(t), y2: py(t), class: "nk-grid" }),
      svg("text", { x: left - 8, y: py(t) + 4, "text-anchor": "end" }, yaxis.tick(t)),
    );
  // Where every line is shown and only the choice among them has moved, the start is one of them.
  const ghosted = !spec.lines || spec.sliders.some(({ name }) => name !== x.name && values[name] !== ghost.values[name]);
  const kept = pinned ? of(pinned) : [];
  if (ghosted) nodes.push(drawn(of(ghost), "nk-ghost"));
  if (pinned) nodes.push(drawn(kept, "nk-pinned"));
  for (const line of lines) if (!line.now) nodes.push(drawn(line.points, "nk-line"));
  nodes.push(drawn(here.points, "nk-curve"));
  for (const line of lines) nodes.push(...stops(line.points, { px, py }, { class: line.now ? "nk-curve nk-stop" : "nk-line nk-stop", ...clipped }));
  if (margin) nodes.push(...names(lines, inRows, right, { px, py }, [TOP, H - BOTTOM]));
  if (there(now)) nodes.push(svg("circle", { cx: px(values[x.name]), cy: py(Math.min(top, Math.max(log ? low : -Infinity, now.value))), r: 8, class: "nk-point" }));

  const unit = (words, short) => words + (short && !words.includes(short) ? ` (${short})` : "");
  const beside = spec.lines === "shown" ? yaxis.unit : unit(y.meaning, yaxis.unit), below = unit(x.meaning, own ? x.unit : xaxis.unit);
  // What is at a pointer: the place along the axis, and a mark with both numbers.
  const at = (pixel) => value(x, Math.min(1, Math.max(0, (pixel - left) / (right - left))));
  function mark(pixel) {
    const u = at(pixel), found = here.compiled.at({ ...values, [x.name]: u }), side = px(u) > (left + right) / 2;
    const words = `${placed(x, u)}: ${found.reason ? "no value" : told(found.value, y.unit)}`;
    const text = { x: px(u) + (side ? -10 : 10), y: there(found) ? Math.min(H - BOTTOM - 8, Math.max(TOP + 14, py(found.value) - 12)) : TOP + 14 };
    const parts = [svg("line", { x1: px(u), x2: px(u), y1: TOP, y2: H - BOTTOM, class: "nk-hair" })];
    if (there(found)) parts.push(svg("circle", { cx: px(u), cy: py(found.value), r: 4, class: "nk-there" }));
    return [...parts, svg("text", { ...text, "text-anchor": side ? "end" : "start", class: "nk-read" }, words)];
  }
  const rows = Array.from({ length: 5 }, (_, i) => Number(value(x, i / 4).toPrecision(3))).map((u) => {
    const found = here.compiled.at({ ...values, [x.name]: u });
    return [placed(x, u), found.reason ? "no value" : told(found.value, y.unit), found.reason || found.words.join(", ")];
  });
  return { nodes, key, ghosted, beside, below, middle: (left + right) / 2, at, mark, rows, height: H, values: [...lines.flatMap((line) => line.points), ...kept].filter(there).map((p) => p.value) };
}
