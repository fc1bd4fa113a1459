// SPDX-License-Identifier: Apache-2.0
// Names in a chart: how wide they are, in how many rows, and where they stand beside lines and above regions.
import { there } from "./program.js";

const [ROW, APART, REACH, MOVED, BOLD, NARROW] = [14, 5, 14, 2, 700, 12];
const MARGIN = 0.3; // the share of a chart that names may take before they are wrapped
const pen = document.createElement("canvas").getContext("2d");

export function svg(tag, attributes, text = "") {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, x] of Object.entries(attributes)) element.setAttribute(name, x);
  element.textContent = text;
  return element;
}
// As .nk-explorer svg text has it.
export function wide(text, weight = 400) {
  pen.font = `${weight} 12.5px system-ui, sans-serif`;
  return pen.measureText(text).width;
}

// In as few rows as fit; all of them as wide as if they were bold, or the plot would change with the choice.
function wrapped(name, most) {
  const [first, ...words] = name.split(" "), rows = [first];
  for (const word of words) {
    const longer = `${rows.at(-1)} ${word}`;
    if (wide(longer, BOLD) <= most) rows[rows.length - 1] = longer;
    else rows.push(word);
  }
  return rows;
}
export function named(lines, width) {
  const rows = lines.map(({ name }) => (name ? wrapped(name, MARGIN * width) : []));
  const longest = Math.max(0, ...rows.flat().map((row) => wide(row, BOLD)));
  return { rows, margin: longest && REACH + Math.ceil(longest) + 2 };
}

// Blocks that would overlap stand together, around the middle of where they belong, and within the plot.
function pile(blocks, [top, bottom]) {
  let high = 0, places = 0;
  for (const block of blocks) {
    places += block.y - block.high / 2 - high;
    high += block.high + APART;
  }
  const from = Math.max(top, Math.min(bottom - high + APART, places / blocks.length));
  return { blocks, from, to: from + high };
}
function spread(blocks, ends) {
  const piles = [];
  for (const block of blocks) {
    let now = pile([block], ends);
    while (piles.length && piles.at(-1).to > now.from) now = pile([...piles.pop().blocks, ...now.blocks], ends);
    piles.push(now);
  }
  for (const { blocks: all, from } of piles) {
    let at = from;
    for (const block of all) {
      block.at = at;
      at += block.high + APART;
    }
  }
  return blocks;
}
export function names(lines, rows, right, { px, py }, [top, bottom]) {
  const inside = (y) => Math.min(bottom, Math.max(top, y));
  const blocks = lines.flatMap(({ points, now }, i) => {
    const end = points.findLast(there);
    return end ? [{ rows: rows[i], now, x: px(end.at), y: inside(py(end.value)), high: rows[i].length * ROW }] : [];
  });
  const sorted = blocks.sort((a, b) => a.y - b.y);
  return spread(sorted, [top - ROW / 2, bottom + ROW / 2]).flatMap((block) => {
    const middle = block.at + block.high / 2, x = right + REACH, text = { x, class: block.now ? "nk-name" : "nk-other" };
    const nodes = block.rows.map((row, i) => svg("text", { ...text, y: block.at + i * ROW + 11 }, row));
    const away = Math.abs(middle - block.y) > MOVED || right - block.x > MOVED;
    return away ? [svg("line", { x1: block.x + 3, y1: block.y, x2: x - 3, y2: middle, class: "nk-leader" }), ...nodes] : nodes;
  });
}
// Where a curve stops within the plot, since there is no value further on.
export function stops(points, { px, py }, look) {
  const last = points.filter((p, i) => there(p) && i < points.length - 1 && !there(points[i + 1]));
  return last.map((p) => svg("line", { x1: px(p.at), x2: px(p.at), y1: py(p.value) - 5, y2: py(p.value) + 5, ...look }));
}

// What decides along a curve, or why there is no value: runs of points that say the same.
function runs(points) {
  const found = [];
  for (const { at, reason, words } of points) {
    const said = reason || words.join(", "), last = found.at(-1);
    if (last) last.to = at;
    if (said !== last?.said) found.push({ said, reason, from: at, to: at });
  }
  return found;
}
// Shades without a name mean nothing: a region that is narrower than its name has a letter, for the key below.
export function regions(points, px, [top, bottom]) {
  const nodes = [], key = new Map();
  runs(points).forEach(({ said, reason, from, to }, i) => {
    const [left, right] = [px(from), px(to)];
    if (!said || right - left < NARROW) return;
    if (wide(said) + APART > right - left && !key.has(said)) key.set(said, String.fromCharCode(65 + key.size));
    const middle = { x: (left + right) / 2, y: top - 8, "text-anchor": "middle", class: "nk-region" };
    nodes.push(svg("rect", { x: left, y: top, width: right - left, height: bottom - top, class: reason ? "nk-none" : `nk-band-${i % 2}` }));
    nodes.push(svg("text", middle, wide(said) + APART > right - left ? key.get(said) : said));
  });
  return { nodes, key: [...key].map(([said, letter]) => `${letter}: ${said}`).join("; ") };
}
