// SPDX-License-Identifier: Apache-2.0
// Users as timelines that run: JupyterLab, the site and mystmd load this one file. It starts
// with the run that Python drew, and plays on by chance from there.

// A crowd: each user answers for `answer` s, then pauses for `pause` s on average.
export function play({ rows, answer, pause, limit, span }, chance = Math.random) {
  const users = rows.map((bars) => bars.map((bar) => [...bar]));
  let until = 0, over = 0;
  function extend(now) {
    for (const bars of users) {
      let last = Math.max(span, bars.length ? bars[bars.length - 1][1] : 0);
      while (last < now) {
        const start = last - pause * Math.log(1 - chance());
        bars.push([start, (last = start + answer)]);
      }
    }
  }
  // How many are active, from each change to the next, between two moments.
  function counted(from, to) {
    const changes = users.flat().flatMap(([start, end]) => [[start, 1], [end, -1]]).sort((a, b) => a[0] - b[0]);
    const steps = [];
    let count = 0, since = from;
    for (const [moment, change] of changes) {
      const here = Math.min(moment, to);
      if (here > since) steps.push([since, (since = here), count]);
      if (moment >= to) break;
      count += change;
    }
    if (since < to) steps.push([since, to, count]);
    return steps;
  }
  function advance(now) {
    extend(now);
    for (const [start, end, count] of counted(until, now)) if (count > limit) over += end - start;
    until = now;
    const left = now - span; // what the window has left behind is not needed again
    users.forEach((bars, i) => { users[i] = bars.filter(([, end], at) => end > left || at === bars.length - 1); });
  }
  advance(span);
  return { users, counted, advance, get until() { return until; }, get share() { return over / until; } };
}

const node = (tag, attributes = {}, text = "") => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.textContent = text;
  return made;
};
const [CACHE, TROUBLE, ROW, UNIT] = ["#E69F00", "#D55E00", 8, 10];

function picture(svg, run, { limit, span, rows }, width) {
  const scale = width / span, from = run.until - span, parts = [];
  const x = (moment) => (Math.min(Math.max(moment, from), run.until) - from) * scale;
  const label = (at, text) => parts.push(node("text", { x: 0, y: at }, text));
  label(12, `${rows.length} users in four turns: a bar is one answer`);
  let y = 22;
  for (const bars of run.users) {
    parts.push(node("line", { x1: 0, x2: width, y1: y + ROW / 2, y2: y + ROW / 2, stroke: "currentColor", "stroke-opacity": 0.12 }));
    for (const [start, end] of bars)
      if (end > from && start < run.until)
        parts.push(node("rect", { x: x(start), y: y + 1, width: x(end) - x(start), height: ROW - 2, fill: CACHE }));
    y += ROW;
  }
  label(y + 24, `active at once; the line: ${limit} slots`);
  const most = Math.min(rows.length, 2 * limit), base = y + 34 + (most + 0.5) * UNIT, line = base - limit * UNIT;
  const steps = run.counted(from, run.until);
  for (const [bottom, fill, height] of [
    [base, CACHE, (count) => Math.min(count, limit)],
    [line, TROUBLE, (count) => Math.min(Math.max(count - limit, 0), most - limit)],
  ]) {
    const outline = steps.map(([, end, count]) => `V${bottom - height(count) * UNIT}H${x(end)}`).join("");
    parts.push(node("path", { d: `M0 ${bottom}${outline}V${bottom}Z`, fill }));
  }
  parts.push(node("line", { x1: 0, x2: width, y1: line, y2: line, stroke: "currentColor", "stroke-width": 2 }));
  parts.push(node("line", { x1: 0, x2: width, y1: base, y2: base, stroke: "currentColor", "stroke-opacity": 0.5 }));
  svg.setAttribute("viewBox", `0 0 ${width} ${base + 4}`);
  svg.replaceChildren(...parts);
}

function render({ model, el }) {
  const spec = model.get("spec"), run = play(spec), period = spec.answer + spec.pause;
  const root = document.createElement("div"), button = document.createElement("button"), told = document.createElement("output");
  root.className = "nk-running";
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", "Users over time");
  button.type = "button";
  const svg = node("svg", { role: "img", "aria-label": spec.alt }), row = document.createElement("div"), title = document.createElement("strong");
  row.className = "nk-row";
  row.append(button, told);
  title.textContent = spec.title;
  root.append(title, svg, row);
  el.append(root);

  let frame = 0, before = 0;
  const percent = (share) => `${Math.round(100 * share)}%`;
  const draw = () => picture(svg, run, spec, root.clientWidth || 700);
  function tell() {
    button.textContent = frame ? "Stop" : "Run";
    root.dataset.turns = run.until / period;
    told.textContent = `More than ${spec.limit} were active for ${percent(run.share)} of ${Math.round(run.until / period)} turns; in the long run, it's ${percent(spec.expected)}.`;
  }
  function step(now) {
    if (!root.isConnected) return stop();
    run.advance(run.until + Math.min(now - before, 100) / 1000 * period / 1.5); // a turn lasts 1.5 s
    before = now;
    draw();
    tell();
    frame = requestAnimationFrame(step);
  }
  function stop() {
    cancelAnimationFrame(frame);
    frame = 0;
    tell();
  }
  button.addEventListener("click", () => {
    if (frame) return stop();
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) { // four turns on, without motion
      run.advance(run.until + spec.span);
      draw();
      return tell();
    }
    before = performance.now();
    frame = requestAnimationFrame(step);
    tell();
  });
  const sizes = new ResizeObserver(draw);
  sizes.observe(root);
  tell();
  return () => { stop(); sizes.disconnect(); };
}
export default { render };
