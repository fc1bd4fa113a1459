// SPDX-License-Identifier: Apache-2.0
// A field above a long list of names that leaves the entries in which the typed words occur.
const page = document.querySelector("article"), heading = page.querySelector("h1");
const entries = [...page.querySelectorAll("tbody tr, dl.terms > dt")].map((entry) => {
  const parts = entry.matches("dt") ? [entry, entry.nextElementSibling] : [entry];
  return { parts, text: parts.map((part) => part.textContent).join(" ").toLowerCase() };
});
const parts = [...page.querySelectorAll("section section")].filter((part) => part.querySelector("tbody"));
const label = document.createElement("label"), field = document.createElement("input"), said = document.createElement("span");
label.className = "filter";
field.type = "search";
field.spellcheck = false;
said.setAttribute("role", "status");
label.append(heading.firstChild.textContent.trim() === "Glossary" ? "Find a word " : "Find a quantity ", field, " ", said);
(page.querySelector("h1 ~ section, dl.terms") ?? heading.nextElementSibling).before(label);
field.addEventListener("input", () => {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  let left = 0;
  for (const entry of entries) {
    const kept = words.every((word) => entry.text.includes(word));
    left += kept;
    entry.parts.forEach((part) => (part.hidden = !kept));
  }
  for (const part of parts) part.hidden = !part.querySelector("tbody tr:not([hidden])");
  said.textContent = words.length ? `${left} of ${entries.length}` : "";
});
