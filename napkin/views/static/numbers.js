// SPDX-License-Identifier: Apache-2.0
// Numbers as the book writes them: three digits, a prefix that suits, round places along an axis.

const PREFIXES = [[1e15, "P"], [1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]];
const COUNTS = [[1e12, "trillion"], [1e9, "billion"], [1e6, "million"]];
const LABELS = ["token", "sequence", "user", "GPU", "layer", "element"];
export function digits(x) {
  if (x === 0) return "0";
  const rounded = Number(x.toPrecision(3)), size = Math.abs(rounded);
  if (!(size >= 1e-3 && size < 1e15)) return rounded.toExponential(2).replace(/e([+-])(\d)$/, "e$10$2");
  const places = Math.max(0, 2 - Math.floor(Math.log10(size) + 1e-12));
  return rounded.toLocaleString("en-US", { minimumFractionDigits: places, maximumFractionDigits: places });
}
export function show(x, unit) {
  const first = unit.split(/[/ ]/)[0], size = Math.abs(Number(x.toPrecision(3)));
  const plural = LABELS.includes(unit) && size !== 1 ? "s" : "";
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

// A unit beside the meaning of its quantity: "of one user" has been said, so USD/user reads USD.
const bare = (unit) => unit.replace("/(user h)", "/h").replace(/\/(sequence|user|GPU|layer)$/, "");
export function unitOf(unit) {
  const short = bare(unit);
  return short === "1" ? "" : LABELS.includes(short) ? `${short}s` : short.replace(/\bbyte\b/, "B");
}
export const counted = (unit, x) => (x === 1 && LABELS.includes(bare(unit)) ? bare(unit) : unitOf(unit));
export function told(x, unit) {
  const short = bare(unit);
  if (unit === "%") return `${digits(100 * x)}%`;
  return short.startsWith("USD") ? `USD\u00a0${digits(x)}${short.slice(3)}` : show(x, short);
}

// A slider: its place as a share of the way, and back; as a reader sees it, and as Python does.
export const share = (s, x) => (s.log ? Math.log(x / s.low) / Math.log(s.high / s.low) : (x - s.low) / (s.high - s.low));
export function value(s, u) {
  const x = s.log ? s.low * (s.high / s.low) ** u : s.low + u * (s.high - s.low);
  return s.whole ? Math.round(x) : Number(x.toPrecision(u > 0 && u < 1 ? 4 : 12));
}
export const typed = (x) => x.toLocaleString("en-US", { maximumSignificantDigits: 6 });
export function placed(s, x) {
  if (s.unit === "USD") return `USD\u00a0${typed(x)}`;
  return `${typed(x)}${s.unit === "%" ? "" : " "}${counted(s.unit, x)}`.trim();
}
export function python(s, x) {
  if (s.prefix) return `"${x} ${s.unit}"`;
  const own = Number((x * s.times).toPrecision(12));
  return Number.isInteger(own) ? String(own).replace(/\B(?=(\d{3})+$)/g, "_") : String(own);
}

// Round numbers between two ends: powers of ten (with 2 and 5 between, if they are few), or even steps.
export function ticks(low, high, log) {
  const found = [];
  if (log) {
    const first = Math.floor(Math.log10(low)), last = Math.ceil(Math.log10(high)), few = Math.log10(high / low) < 2.2;
    for (let i = first; i <= last; i++) for (const m of few ? [1, 2, 5] : [1]) found.push(m * 10 ** i);
  } else {
    const rough = (high - low) / 5, power = 10 ** Math.floor(Math.log10(rough));
    const step = power * [1, 2, 5, 10].find((m) => m * power >= rough * 0.999);
    for (let i = Math.ceil(low / step); i * step <= high * (1 + 1e-9); i++) found.push(i * step);
  }
  return found.filter((t) => t >= low * (1 - 1e-9) && t <= high * (1 + 1e-9)).map((t) => Number(t.toPrecision(6)));
}
// How numbers stand along an axis, short: 20k, 1.5M. A logarithmic axis has the prefix at each number, another
// one in its unit.
export function axis(unit, top, log) {
  const large = (x) => PREFIXES.find(([p]) => Math.abs(x) >= p * 0.9999) ?? [1, ""], plain = (x) => String(Number(x.toPrecision(3)));
  const short = unitOf(unit), letters = (x) => { const [p, letter] = large(x); return plain(x / p) + letter; };
  if (unit === "%") return { tick: (t) => `${plain(100 * t)}%`, unit: "" };
  if (log && unit === "s") return { tick: (t) => (t ? show(t, "s").replace(/(\.\d*?)0+(?= )/, "$1").replace(/\. /, " ") : "0"), unit: "" };
  if (log && short === "B") return { tick: (t) => letters(t).replace(/[A-Z]?$/i, " $&B"), unit: "" };
  if (!log && /^(byte|FLOP)/.test(unit)) {
    const [factor, prefix] = large(top);
    return { tick: (t) => plain(t / factor), unit: prefix + short };
  }
  if (!log && unit === "s" && top < 1) {
    const [factor, prefix] = top < 1e-3 ? [1e-6, "µ"] : [1e-3, "m"];
    return { tick: (t) => plain(t / factor), unit: prefix + short };
  }
  return { tick: top >= 1e4 ? letters : (t) => Number(t.toPrecision(3)).toLocaleString("en-US"), unit: short };
}
