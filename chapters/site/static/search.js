// SPDX-License-Identifier: Apache-2.0
// What Sphinx's search shows of a page: prose without its title, no code, no links to files, no
// mathematics twice; from the first word that was asked for, between whole words.
const NOT_PROSE = "h1, .headerlink, script, style, .cell_input, details.hide, pre, svg, .katex-mathml, p:has(> a.download)";
const textOf = Search.htmlToText, AROUND = 120;

Search.htmlToText = (html, anchor) => {
  const page = new DOMParser().parseFromString(html, "text/html");
  page.querySelectorAll(NOT_PROSE).forEach((part) => part.remove());
  page.querySelectorAll("p, li, td, th, h1, h2, h3, dt, dd").forEach((part) => part.append(" "));
  return textOf(page.documentElement.outerHTML, anchor).replace(/\s+/g, " ").trim();
};

Search.makeSearchSummary = (html, words, anchor) => {
  const text = Search.htmlToText(html, anchor), low = text.toLowerCase();
  if (!text) return null;
  const places = [...words].map((word) => low.search(new RegExp(`(?<![\\p{L}\\p{N}])${_escapeRegExp(word)}`, "u")));
  const place = Math.min(...places.filter((at) => at >= 0), text.length);
  const start = place === text.length || place < AROUND ? 0 : text.indexOf(" ", place - AROUND) + 1;
  const rest = text.slice(start, start + 2 * AROUND), cut = start + rest.length < text.length;
  const summary = document.createElement("p");
  summary.className = "context";
  summary.textContent = (start ? "… " : "") + (cut ? rest.slice(0, rest.lastIndexOf(" ")) + " …" : rest);
  return summary;
};
