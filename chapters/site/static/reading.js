// SPDX-License-Identifier: Apache-2.0
// Previews of the glossary, an edge where a box scrolls sideways, and a filter for long lists of names.
const stored = document.getElementById("terms");
if (stored) {
  const terms = JSON.parse(stored.textContent), preview = document.createElement("div");
  Object.assign(preview, { id: "preview", role: "tooltip", hidden: true });
  document.body.append(preview);
  let shown = null, waiting = 0;

  function hide() {
    clearTimeout(waiting);
    shown?.removeAttribute("aria-describedby");
    preview.hidden = true;
    shown = null;
  }
  function show(link, text) {
    hide();
    shown = link;
    preview.textContent = text;
    preview.hidden = false;
    link.setAttribute("aria-describedby", preview.id);
    // A link may be broken over two lines: its first part is where a reader looks.
    const at = link.getClientRects()[0], box = preview.getBoundingClientRect();
    const left = Math.max(16, Math.min(at.left, document.documentElement.clientWidth - box.width - 16));
    const above = at.bottom + box.height + 12 > innerHeight && at.top > box.height + 12;
    preview.style.left = `${left + scrollX}px`;
    preview.style.top = `${(above ? at.top - box.height - 4 : at.bottom + 4) + scrollY}px`;
  }
  const later = (call, after) => { clearTimeout(waiting); waiting = setTimeout(call, after); };

  for (const link of document.querySelectorAll('a[href*="glossary.html#"]')) {
    const text = terms[link.hash.slice(1)];
    if (!text) continue;
    // A finger has no hovering: its tap follows the link.
    link.addEventListener("pointerenter", (event) => { if (event.pointerType === "mouse") later(() => show(link, text), 120); });
    link.addEventListener("pointerleave", () => later(hide, 200));
    link.addEventListener("focus", () => { if (link.matches(":focus-visible")) show(link, text); });
    link.addEventListener("blur", hide);
  }
  preview.addEventListener("pointerenter", () => clearTimeout(waiting));
  preview.addEventListener("pointerleave", () => later(hide, 200));
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
}

// The edge fades while there is more beside it, and is sharp once its end is reached.
const boxes = document.querySelectorAll("#furo-main-content :is(pre, .katex-display, .table-wrapper, .output.text_html)");
const fade = (box) => box.classList.toggle("more", box.scrollWidth - box.clientWidth - box.scrollLeft > 2);
const watch = new ResizeObserver((seen) => seen.forEach(({ target }) => fade(target)));
for (const box of boxes) {
  watch.observe(box);
  box.addEventListener("scroll", () => fade(box), { passive: true });
}

// No line begins with the comma after a formula: a word joiner holds them together.
for (const formula of document.querySelectorAll("#furo-main-content span.math")) {
  const after = formula.nextSibling;
  if (after?.nodeType === Node.TEXT_NODE && /^[,.;:)?!]/.test(after.data)) after.data = "\u2060" + after.data;
}

if (/\/(notation|glossary)\.html$/.test(location.pathname)) import("./filter.js");
