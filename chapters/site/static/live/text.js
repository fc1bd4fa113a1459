// SPDX-License-Identifier: Apache-2.0
// What Python answers, as parts of a page: Markdown, HTML and mathematics, of which nothing runs.
const TAGS = new Set(
  "a b blockquote br caption code details div em img li ol p pre small span strong sub summary sup table tbody td th thead tr ul".split(" "),
);
const STYLES = /^(margin|padding|border)-left$|^display$|^margin-right$|^text-align$|^max-width$|^(background|padding)$/;

// Keeps a few tags and attributes, and drops whatever else a text from elsewhere may hold.
export function safe(html) {
  const found = new DOMParser().parseFromString(html, "text/html").body;
  for (const node of [...found.querySelectorAll("*")]) {
    if (!TAGS.has(node.localName)) {
      if (/^(script|style|svg|math|iframe|object|embed|template)$/.test(node.localName)) node.remove();
      else node.replaceWith(...node.childNodes);
      continue;
    }
    const keep = {};
    if (node.hasAttribute("open")) keep.open = "";
    if (node.dataset.tex) keep["data-tex"] = node.dataset.tex;
    if (node.className === "napkin-explain") keep.class = node.className;
    if (node.localName === "a" && /^(https?:|#|[\w./-]+$)/.test(node.getAttribute("href") ?? "")) keep.href = node.getAttribute("href");
    if (node.localName === "img" && /^data:image\/svg\+xml;base64,[\w+/=]+$/.test(node.getAttribute("src") ?? ""))
      Object.assign(keep, { src: node.getAttribute("src"), alt: node.alt });
    const style = [...node.style].filter((name) => STYLES.test(name) && !/url/i.test(node.style.getPropertyValue(name)));
    if (style.length) keep.style = style.map((name) => `${name}:${node.style.getPropertyValue(name)}`).join(";");
    for (const { name } of [...node.attributes]) node.removeAttribute(name);
    for (const [name, value] of Object.entries(keep)) node.setAttribute(name, value);
  }
  const made = document.createDocumentFragment();
  made.append(...found.childNodes);
  return made;
}

const escape = (text) => text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);

function inline(text) {
  return text.split(/(`[^`]+`|\$\$[^$]+\$\$|\$[^$]+\$)/).map((part, place) => {
    if (place % 2) return part[0] === "`" ? `<code>${escape(part.slice(1, -1))}</code>` : `<span data-tex="${escape(part.replace(/^\$+|\$+$/g, ""))}"></span>`;
    return escape(part)
      .replace(/&lt;(\/?(?:small|br|sub|sup))&gt;/g, "<$1>")
      .replace(/\[([^\]]+)\]\(([^)\s]+)\)/g, '<a href="$2">$1</a>')
      .replace(/\*\*(?=\S)([^]+?)\*\*/g, "<strong>$1</strong>")
      .replace(/(?<!\\)\*(?=\S)([^*]+?)(?<!\\)\*/g, "<em>$1</em>")
      .replace(/\\([*|_\\])/g, "$1");
  }).join("");
}

function block(text) {
  const lines = text.split("\n");
  if (lines[0].startsWith("|")) {
    const cells = (line) => line.slice(1, line.lastIndexOf("|")).split(/(?<!\\)\|/).map((cell) => cell.trim());
    const sides = cells(lines[1]).map((rule) => (rule.endsWith(":") ? ' style="text-align:right"' : ""));
    const row = (line, tag) => `<tr>${cells(line).map((cell, i) => `<${tag}${sides[i]}>${inline(cell)}</${tag}>`).join("")}</tr>`;
    return `<table><thead>${row(lines[0], "th")}</thead><tbody>${lines.slice(2).map((line) => row(line, "td")).join("")}</tbody></table>`;
  }
  const list = /^(?:- |\d+\. )/;
  if (list.test(lines[0])) {
    const items = text.split(/\n(?=- |\d+\. )/).map((item) => `<li>${inline(item.replace(list, ""))}</li>`);
    const tag = lines[0][0] === "-" ? "ul" : "ol";
    return `<${tag}>${items.join("")}</${tag}>`;
  }
  if (lines[0].startsWith("> ")) return `<blockquote>${block(lines.map((line) => line.replace(/^> ?/, "")).join("\n"))}</blockquote>`;
  return `<p>${inline(text)}</p>`;
}

export const markdown = (text) => safe(text.trim().split(/\n{2,}/).map(block).join(""));

// The typesetter comes with Python, from the same folder.
let typesetter;
function katex() {
  return (typesetter ??= (async () => {
    const { version } = await (await fetch(new URL("./manifest.json", import.meta.url), { cache: "no-cache" })).json();
    const script = document.createElement("script");
    script.src = new URL(`./${version}/katex.min.js`, import.meta.url);
    await new Promise((good, bad) => (Object.assign(script, { onload: good, onerror: bad }), document.head.append(script)));
    return window.katex;
  })());
}

// Typesets the formulas in a part of the page; one that fails stays as text.
export async function typeset(part) {
  const walker = document.createTreeWalker(part, NodeFilter.SHOW_TEXT), texts = [];
  while (walker.nextNode()) if (/\$[^$]+\$/.test(walker.currentNode.data) && !walker.currentNode.parentElement.closest("code, pre")) texts.push(walker.currentNode);
  for (const text of texts)
    text.replaceWith(...text.data.split(/\$+([^$]+)\$+/).map((piece, place) => {
      if (place % 2 === 0) return piece;
      const span = document.createElement("span");
      span.dataset.tex = piece;
      return span;
    }));
  const spans = part.querySelectorAll("[data-tex]");
  if (!spans.length) return;
  const typesetting = await katex();
  for (const span of spans) {
    typesetting.render(span.dataset.tex, span, { throwOnError: false, output: "htmlAndMathml" });
    span.removeAttribute("data-tex");
  }
}

// What the first start of Python takes.
const megabytes = document.querySelector("meta[name=napkin-python]")?.content;
export const SIZE = megabytes ? ` (${megabytes} MB, once).` : ".";

export const element = (tag, facts = {}, ...parts) => {
  const made = Object.assign(document.createElement(tag), facts);
  made.append(...parts);
  return made;
};
