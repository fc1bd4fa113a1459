// SPDX-License-Identifier: Apache-2.0
// The memory of one GPU, to scale, while two assumptions and one choice move: JupyterLab and the
// site load this one file. The formulas come from Python, printed as JavaScript.

// What a case computes. The first program gives the users; the others take them as whole people.
export function answers(spec) {
  const compiled = ({ code }) => new Function("v", "a", `${spec.helpers}\nlet w = -1;\n${code}\nreturn w;`);
  const stages = (programs) => programs.map((made) => ({ ...made, run: compiled(made) }));
  const cases = Object.entries(spec.idle).map(([name, { bound, predicted }]) =>
    [name, { bound: stages(bound), predicted: stages(predicted) }]);
  const found = Object.fromEntries(cases);
  function once(programs, moved) {
    const v = {}, a = {};
    let reason = "";
    programs.forEach(({ run, given, reasons }, i) => {
      Object.assign(v, given, moved, i ? { users: v.users } : {});
      const why = run(v, a);
      if (why >= 0) reason ||= reasons[why];
      if (!i) v.users = Math.floor(v.users * (1 + 1e-12));
    });
    const limit = programs[0].sides[a.users.indexOf(Math.min(...a.users))];
    return { reason, limit, users: v.users, speed: 1 / v.usual_tpot, cost: v.cost_per_user_month,
      active: v.usual_active, slots: v.whole_sequences, cache: v.kv_bytes_per_sequence };
  }
  return (state) => {
    const { bound, predicted } = found[state.idle], moved = {};
    for (const [slider, names] of Object.entries(spec.moves)) for (const name of names) moved[name] = state[slider];
    const real = [() => 1, ([low]) => low, ([, high]) => high].map((end) => {
      const errors = Object.entries(spec.bands).map(([name, band]) => [name, end(band)]);
      return once(predicted, { ...moved, ...Object.fromEntries(errors) });
    });
    return { ...once(bound, moved), real };
  };
}

// Rows in each column, so that blocks of equal area, nearly square, fill a box: as in the still form.
function columns(count, wide, high) {
  const ideal = Math.sqrt((count * wide) / high);
  let best = 1, least = Infinity;
  for (let c = Math.max(1, Math.trunc(ideal * 0.6)); c <= Math.max(1, Math.min(count, Math.ceil(ideal * 1.7))); c++) {
    const left = count % c, aspect = wide / c / (high / (count / c));
    const bad = Math.max(aspect, 1 / aspect) - 1 + (left ? 0.15 + (1.5 * Math.min(left, c - left)) / c : 0);
    if (bad < least) [best, least] = [c, bad];
  }
  const full = Math.floor(count / best), left = count % best;
  return Array.from({ length: best }, (_, i) => full + (i >= best - left));
}
function tiled(count, share, box) {
  const places = [], gap = count > 1200 ? 0.5 : count > 300 ? 1 : 2;
  let x = box.x;
  for (const rows of count ? columns(count, box.w * share, box.h) : []) {
    const w = (box.w * share * rows) / count;
    for (let row = 0; row < rows; row++)
      places.push({ x, y: box.y + (row * box.h) / rows, w: w - gap, h: box.h / rows - gap });
    x += w;
  }
  return places;
}

const three = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 3 });
const whole = (x) => Math.round(x).toLocaleString("en-US");
const bytes = (x) => (x >= 1e12 ? `${three.format(x / 1e12)} TB` : x >= 1e9 ? `${three.format(x / 1e9)} GB` : `${three.format(x / 1e6)} MB`);
const people = (x) => `${whole(x)} ${Math.round(x) === 1 ? "user" : "users"}`;
const duration = (s) => (s < 120 ? `${s} s` : `${s / 60} min`);
const BIG = { users: whole, speed: whole, cost: (x) => (x < 100 ? x.toFixed(1) : whole(x)) };
const SHOWN = { context: (x) => `${x.toLocaleString("en-US")} tokens`, think_time: duration };

function sentence(a, lit, idle) {
  if (a.reason) return `No answer here: ${a.reason}.`;
  if (idle === "resident" && a.limit === "concurrent_sequences")
    return `${whole(a.slots)} caches fill the memory, and ${lit ? `${whole(a.users - lit)} of them belong` : "nearly always, all of them belong"} to people who aren't waiting for a token. Longer pauses don't free them.`;
  if (a.limit === "users_by_load")
    return `${people(a.users)} keep all ${whole(a.slots)} places on the GPU busy, and each step reads every cache there.`;
  const full = a.limit === "users_by_host_memory" ? "Now the host is full" : "Now the link to the host is busy all the time";
  return `${full}, and the GPU has room: ${people(a.users)}, but only ${whole(lit)} of its ${whole(a.slots)} places in use on average.`;
}

const NAMES = { users: "users", speed: "tokens/s each", cost: "USD/month each" };
const MARKUP = `<p class="nk-caption"></p><div class="nk-big">${Object.entries(NAMES).map(([key, name]) =>
  `<div data-of="${key}"><strong></strong><b>${name}</b><small></small><small></small></div>`).join("")}</div>
<p class="nk-read"><span></span> <span class="nk-key"><i></i> active: a token is being written <i></i> idle<span hidden> <i></i> copy of an active one</span></span></p><canvas role="img"></canvas>
<div class="nk-set"><fieldset><legend>Caches of idle users</legend><div class="nk-choice"></div></fieldset>
<label><span>Context of a conversation <output data-told="context"></output></span><input type="range" data-slider="context" min="0" step="1"></label>
<label><span>Pause before a user’s next message <output data-told="think_time"></output></span><input type="range" data-slider="think_time" min="0" step="1"></label></div>
<p class="nk-say"></p><p class="nk-hidden" role="status"></p>
<p class="nk-tools"><button type="button" data-do="motion"></button><button type="button" data-do="start">Back to the start</button></p>
<details><summary>The same as a table</summary><table><tbody></tbody></table></details>`;
const HOST = 4; // the host's memory is drawn at a fraction of the area
const GOLDEN = 0.6180339887;
let made = 0;

function render({ model, el }) {
  const spec = model.get("spec"), solve = answers(spec), first = solve(spec.start), root = document.createElement("div");
  root.className = "nk-map";
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", "Memory of a GPU");
  root.dataset.lmSuppressShortcuts = "true"; // or JupyterLab takes the arrow keys
  root.addEventListener("keydown", (event) => event.stopPropagation());
  root.innerHTML = MARKUP;
  const $ = (selector) => root.querySelector(selector), canvas = $("canvas"), pen = canvas.getContext("2d");
  const name = `nk-idle-${++made}`;
  for (const [value, { label }] of Object.entries(spec.idle)) {
    const row = document.createElement("label"), radio = document.createElement("input"), said = document.createElement("span");
    Object.assign(radio, { type: "radio", name, value });
    said.textContent = label;
    row.append(radio, said);
    $(".nk-choice").append(row);
  }
  for (const slider of Object.keys(spec.stops)) $(`[data-slider=${slider}]`).max = spec.stops[slider].length - 1;
  $(".nk-caption").textContent = spec.caption;
  el.append(root);

  const still = matchMedia("(prefers-reduced-motion: reduce)"), addressed = !model.get("kernel");
  let state = { ...spec.start, ...(addressed ? told() : {}) }, a, lit, users = [], leaving = [], places = [], kept = [], boxes;
  let playing = !still.matches, seen = false, frame = 0, then = 0, later = 0, timer = 0, pointed = null, width = 0;

  // The state stands in the address of a page, so that it can be sent to somebody.
  function told() {
    const given = new URLSearchParams(location.hash.slice(1)), found = {};
    for (const [slider, stops] of Object.entries(spec.stops)) if (stops.includes(+given.get(slider))) found[slider] = +given.get(slider);
    if (given.get("idle") in spec.idle) found.idle = given.get("idle");
    return found;
  }
  function set(change) {
    state = { ...state, ...change };
    update(false);
    clearTimeout(later);
    later = setTimeout(() => { // what can wait until the hand is still
      $(".nk-hidden").textContent = a.reason ? sentence(a) : `${people(a.users)}, ${whole(a.speed)} tokens per second each, ${BIG.cost(a.cost)} dollars a month each. ${$(".nk-say").textContent}`;
      const opened = Object.keys(spec.start).every((key) => state[key] === spec.start[key]);
      if (addressed) history.replaceState(null, "", opened ? location.pathname + location.search : `#${new URLSearchParams(state)}`);
    }, 400);
  }

  function size() {
    width = canvas.clientWidth || 720;
    const tall = width < 520, high = tall ? 190 : 160, along = tall ? high : width;
    const part = (from, to) => (tall ? { x: 0, y: from * along, w: width, h: (to - from) * along } : { x: from * along, y: 0, w: (to - from) * along, h: high });
    const [one, two] = [spec.weights / spec.memory, (spec.weights + spec.caches) / spec.memory], caches = part(one, two);
    if (tall) Object.assign(caches, { y: caches.y + 2, h: caches.h - 4 });
    else Object.assign(caches, { x: caches.x + 2, w: caches.w - 4 });
    const host = { x: 0, y: high + 32, w: width, h: (high * spec.host) / spec.memory / HOST };
    boxes = { tall, weights: part(0, one), caches, reserve: part(two, 1), host };
    const dots = devicePixelRatio || 1, height = Math.ceil(host.y + host.h + 1);
    Object.assign(canvas, { width: Math.round(width * dots), height: Math.round(height * dots) });
    canvas.style.height = `${height}px`;
    pen.setTransform(dots, 0, 0, dots, 0, 0);
  }

  // Where everybody is: on the GPU, or with a copy in the memory of the host.
  function update(jump) {
    a = solve(state);
    const away = state.idle === "offloaded", count = a.reason ? 0 : a.users;
    lit = a.reason ? 0 : Math.min(Math.round(a.active), a.slots, count);
    leaving.push(...users.splice(count));
    if (leaving.length > 2000) leaving = [];
    while (users.length < count) users.push({ phase: ((users.length + 0.5) * GOLDEN) % 1, alpha: 0, slot: -1 });
    places = tiled(a.slots, (a.slots * a.cache) / spec.caches, boxes.caches);
    const held = Math.floor(spec.host / a.cache + 1e-9);
    kept = away ? tiled(held, (held * a.cache) / spec.host, boxes.host) : [];
    seat();
    if (jump || still.matches) {
      for (const one of users) Object.assign(one, one.to, { alpha: 1, glow: +one.lit });
      leaving = [];
    }
    write();
    wake();
  }
  function seat() {
    const away = state.idle === "offloaded", taken = new Set();
    const order = [...users].sort((p, q) => p.phase - q.phase);
    order.forEach((one, i) => { one.lit = i < lit; });
    if (away) {
      for (const one of users) {
        if (!one.lit || one.slot >= places.length || taken.has(one.slot)) one.slot = -1;
        if (one.slot >= 0) taken.add(one.slot);
      }
      const free = places.map((_, i) => i).filter((i) => !taken.has(i)).sort((i, j) => ((i * GOLDEN) % 1) - ((j * GOLDEN) % 1));
      for (const one of order) if (one.lit && one.slot < 0) one.slot = free.shift();
    }
    users.forEach((one, i) => {
      if (!away) one.slot = i;
      one.copy = kept[i];
      one.to = places[one.slot] ?? kept[i] ?? boxes.host;
      if (!("x" in one)) Object.assign(one, one.to, away ? {} : { y: one.to.y - 24 });
    });
    for (const one of leaving) one.to = { x: one.x, y: one.y + 30, w: one.w, h: one.h };
  }
  function turn() { // an active user pauses, and another one writes
    if (!playing || document.hidden || lit === users.length) return;
    for (let i = 0; i < Math.max(1, Math.min(8, lit / 20)); i++) {
      const on = users.filter((one) => one.lit), off = users.filter((one) => !one.lit), any = (of) => of[Math.floor(Math.random() * of.length)];
      if (!on.length || !off.length) return;
      const [p, q] = [any(on), any(off)];
      [p.phase, q.phase] = [q.phase, p.phase];
      p.slow = q.slow = true;
    }
    seat();
    wake();
  }
  function watch() { // nothing moves by itself while it is out of sight
    clearInterval(timer);
    timer = seen && playing ? setInterval(turn, 900) : 0;
    $("[data-do=motion]").textContent = playing ? "Pause the motion" : "Play the motion";
    root.dataset.moving = timer ? "yes" : "no";
  }
  function wake() {
    if (frame || !root.isConnected) return;
    then = performance.now();
    frame = requestAnimationFrame(draw);
  }

  function draw(now) {
    const passed = Math.min(50, Math.max(8, now - then)), style = getComputedStyle(canvas), { tall } = boxes;
    const ink = style.color, orange = style.getPropertyValue("--nk-cache").trim(), blue = style.getPropertyValue("--nk-weights").trim();
    then = now;
    pen.clearRect(0, 0, width, canvas.height);
    pen.font = `14px ${style.fontFamily}`;
    const outline = (box, dash, strength = 0.5) => {
      pen.globalAlpha = strength;
      pen.strokeStyle = ink;
      pen.setLineDash(dash);
      pen.strokeRect(box.x + 0.5, box.y + 0.5, box.w - 1, box.h - 1);
      pen.setLineDash([]);
      pen.globalAlpha = 1;
    };
    const lines = (x, y, color, ...rows) => {
      pen.fillStyle = color;
      (tall ? [rows.join(", ")] : rows).forEach((row, i) => pen.fillText(row, x + 9, y + 19 * i));
    };
    pen.fillStyle = blue;
    pen.fillRect(boxes.weights.x, boxes.weights.y, boxes.weights.w, boxes.weights.h);
    lines(boxes.weights.x, boxes.weights.y + (tall ? boxes.weights.h / 2 + 5 : 22), "#fff", "weights", bytes(spec.weights));
    outline(boxes.reserve, [3, 3]);
    lines(boxes.reserve.x, boxes.reserve.y + (tall ? boxes.reserve.h / 2 + 5 : 22), ink, "reserve", bytes(spec.memory - spec.weights - spec.caches));
    outline(boxes.host, [2, 4]);
    pen.fillStyle = ink;
    const there = kept.length ? `${whole(users.length)} caches` : "empty";
    pen.fillText(tall ? `Host, ${bytes(spec.host)}, drawn 4 times smaller: ${there}` : `Host memory, ${bytes(spec.host)}, drawn four times smaller: ${there}`, 0, boxes.host.y - 9);

    let moving = false;
    const toward = (one, end) => {
      const step = 1 - Math.exp(-passed / (one.slow ? 190 : 95)), glow = one.glow ?? +one.lit;
      let far = Math.abs(end - one.alpha) * 20 + Math.abs(+one.lit - glow) * 20;
      for (const side of ["x", "y", "w", "h"]) {
        far += Math.abs(one.to[side] - one[side]);
        one[side] += (one.to[side] - one[side]) * step;
      }
      one.alpha += (end - one.alpha) * step;
      one.glow = glow + (+one.lit - glow) * step;
      if (far < 0.5) Object.assign(one, one.to, { alpha: end, glow: +one.lit, slow: false });
      else moving = true;
    };
    const block = (one) => {
      pen.globalAlpha = one.alpha * (kept.length ? 0.34 : 0.13) * (1 - one.glow);
      pen.fillStyle = ink;
      pen.fillRect(one.x, one.y, one.w, one.h);
      pen.globalAlpha = one.alpha * one.glow;
      pen.fillStyle = orange;
      pen.fillRect(one.x, one.y, one.w, one.h);
      if (one.w < 4) return;
      pen.globalAlpha = one.alpha * (0.28 + 0.27 * one.glow);
      pen.strokeStyle = ink;
      pen.strokeRect(one.x + 0.5, one.y + 0.5, one.w - 1, one.h - 1);
    };
    if (kept.length && places.length < 400) for (const place of places) outline(place, [], 0.14);
    const many = users.length > 3000, last = []; // too many to watch one by one: they are simply there
    for (const one of users) {
      if (many && !one.slow) Object.assign(one, one.to, { alpha: 1, glow: +one.lit });
      else toward(one, 1);
      if (one.slow) last.push(one);
      else block(one);
      if (!one.copy || !one.lit) continue;
      if (one.copy.w < 6) continue;
      pen.globalAlpha = 0.8; // the copy of somebody who is active
      pen.strokeStyle = orange;
      pen.strokeRect(one.copy.x + 0.5, one.copy.y + 0.5, one.copy.w - 1, one.copy.h - 1);
    }
    last.forEach(block);
    for (const one of leaving) { toward(one, 0); block(one); }
    leaving = leaving.filter((one) => one.alpha > 0.02);
    pen.globalAlpha = 1;
    if (pointed) {
      pen.strokeStyle = ink;
      pen.lineWidth = 2;
      pen.strokeRect(pointed.x, pointed.y, pointed.w, pointed.h);
      pen.lineWidth = 1;
    }
    frame = moving ? requestAnimationFrame(draw) : 0;
  }

  // Numbers first: they are there in the same frame, the blocks follow.
  function write() {
    for (const [key, shown] of Object.entries(BIG)) {
      const now = a.reason ? "–" : shown(a[key]), was = shown(first[key]), [middle, low, high] = [0, 1, 2].map((i) => a.real[i][key]);
      const [from, to] = [low, high].sort((x, y) => x - y).map(shown), [big, ghost, real] = root.querySelectorAll(`[data-of=${key}] :is(strong, small)`);
      big.textContent = now;
      ghost.textContent = now === was ? "" : `was ${was}`;
      const same = from === to && shown(middle) === now; // nothing that a real server loses counts here
      const spans = same || a.real.some((one) => one.reason) ? [] : [`real servers: ${shown(middle)}`, ...(from === to ? [] : [`(${from} to ${to})`])];
      real.replaceChildren(...spans.flatMap((said) => [Object.assign(document.createElement("span"), { textContent: said }), " "]));
    }
    for (const [slider, stops] of Object.entries(spec.stops)) {
      const input = $(`[data-slider=${slider}]`), words = SHOWN[slider](state[slider]);
      input.value = stops.indexOf(state[slider]);
      input.setAttribute("aria-valuetext", words);
      input.style.setProperty("--at", `${(100 * input.value) / input.max}%`);
      $(`[data-told=${slider}]`).textContent = words;
    }
    for (const radio of root.querySelectorAll("[type=radio]")) radio.checked = radio.value === state.idle;
    $(".nk-say").textContent = sentence(a, lit, state.idle);
    canvas.setAttribute("aria-label", `GPU memory of ${bytes(spec.memory)}: weights ${bytes(spec.weights)}, ${whole(kept.length ? lit : users.length)} caches of ${bytes(a.cache)}, ${whole(lit)} of them active. Host memory of ${bytes(spec.host)}: ${kept.length ? people(users.length) : "empty"}.`);
    const rows = [["users", whole(a.users)], ["of them active, on average", three.format(a.active)], ["places for caches on the GPU", whole(a.slots)],
      ["one cache", bytes(a.cache)], ["tokens/s for each user", three.format(a.speed)], ["USD a month for each user", three.format(a.cost)]];
    $("tbody").innerHTML = rows.map(([said, value]) => `<tr><th scope="row">${said}</th><td>${value}</td></tr>`).join("");
    Object.assign(root.dataset, { users: a.users, speed: a.speed, cost: a.cost, real: JSON.stringify(a.real) });
    read();
  }
  function read(words) {
    $(".nk-read span").textContent = words ?? `To scale: a block is the cache of one user, ${bytes(a.cache)}.`;
    $(".nk-key").hidden = Boolean(words);
    $(".nk-key span").hidden = state.idle !== "offloaded";
  }
  function point(event) {
    const frame = canvas.getBoundingClientRect(), x = event.clientX - frame.left, y = event.clientY - frame.top;
    const inside = (box) => x >= box.x && x < box.x + box.w && y >= box.y && y < box.y + box.h, cache = bytes(a.cache);
    pointed = users.find(inside) ?? null;
    if (pointed?.lit) read(`Active: this cache, ${cache}, is read once for every token.`);
    else if (pointed) read(`Idle: this cache, ${cache}, waits for its user’s next message.`);
    else if (inside(boxes.weights)) read(`Weights, ${bytes(spec.weights)}: read once in every step, for all users together.`);
    else if (inside(boxes.reserve)) read("Reserve: kept free for activations and the engine.");
    else if (inside(boxes.host)) read("Host memory: a cache comes back over a slow link when its user writes.");
    else read();
    wake();
  }

  root.addEventListener("input", ({ target }) => {
    const { slider } = target.dataset;
    set(slider ? { [slider]: spec.stops[slider][target.value] } : { idle: target.value });
  });
  $("[data-do=motion]").addEventListener("click", () => { playing = !playing; watch(); });
  $("[data-do=start]").addEventListener("click", () => set(spec.start));
  canvas.addEventListener("pointermove", point);
  canvas.addEventListener("pointerdown", point);
  canvas.addEventListener("pointerleave", () => { pointed = null; read(); wake(); });
  const calm = () => { playing = !still.matches; watch(); }, back = () => set({ ...spec.start, ...told() });
  still.addEventListener("change", calm);
  if (addressed) addEventListener("hashchange", back);
  const sizes = new ResizeObserver(() => { if (canvas.clientWidth !== width) { size(); update(true); } });
  const sight = new IntersectionObserver(([entry]) => { seen = entry.isIntersecting; watch(); });
  const theme = new MutationObserver(wake), dark = matchMedia("(prefers-color-scheme: dark)");
  size();
  update(true);
  watch();
  sizes.observe(canvas);
  sight.observe(canvas);
  for (const page of [document.documentElement, document.body]) theme.observe(page, { attributes: true });
  dark.addEventListener("change", wake);
  return () => {
    [sizes, sight, theme].forEach((observer) => observer.disconnect());
    still.removeEventListener("change", calm);
    dark.removeEventListener("change", wake);
    removeEventListener("hashchange", back);
    clearInterval(timer);
    clearTimeout(later);
    cancelAnimationFrame(frame);
  };
}
export default { render };
