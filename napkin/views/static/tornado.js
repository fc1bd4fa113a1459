// SPDX-License-Identifier: Apache-2.0
// Elasticities as bars that are buttons: a press opens the explorer of that assumption: from Python, or from what the page has stored.
function render({ model, el }) {
  const rows = model.get("rows"), most = Math.max(...rows.map((row) => Math.abs(row.elasticity)));
  const list = document.createElement("div");
  list.className = "nk-tornado";
  list.setAttribute("role", "group");
  list.setAttribute("aria-label", model.get("label"));
  for (const { name, meaning, elasticity } of rows) {
    const button = document.createElement("button"), bar = document.createElement("span"), told = elasticity.toFixed(2);
    button.type = "button";
    button.setAttribute("aria-label", `${meaning}, ${name}: ${told} percent; explore it`);
    button.setAttribute("aria-pressed", "false");
    bar.className = "nk-bar";
    const width = (50 * Math.abs(elasticity)) / most;
    bar.style.marginLeft = `${elasticity < 0 ? 50 - width : 50}%`;
    bar.style.width = `${width}%`;
    for (const text of [meaning, told]) button.append(Object.assign(document.createElement("span"), { textContent: text }));
    button.firstChild.append(" ", Object.assign(document.createElement("small"), { textContent: name }));
    button.insertBefore(document.createElement("span"), button.lastChild).append(bar);
    button.addEventListener("click", () => {
      for (const other of list.children) other.setAttribute("aria-pressed", String(other === button));
      model.set("chosen", name);
      model.save_changes();
    });
    list.append(button);
  }
  el.append(Object.assign(document.createElement("p"), { className: "nk-caption", textContent: model.get("caption") }), list);
}
export default { render };
