/* The filter of the scorecard: by verdict and by section. What is chosen stands in the address. */
"use strict";

(() => {
  const form = document.querySelector(".scorecard-filter");
  if (!form) return;
  const rows = [...document.querySelectorAll("table.scorecard tbody tr")];
  const verdicts = [...form.querySelectorAll("button.verdict")];
  const section = form.elements.section;
  const status = form.querySelector("[role=status]");

  const isPressed = button => button.getAttribute("aria-pressed") === "true";
  const press = (button, on) => button.setAttribute("aria-pressed", String(on));

  function show() {
    const wanted = verdicts.filter(isPressed).map(button => button.value);
    let shown = 0;
    for (const row of rows) {
      const has = name => row.classList.contains(name);
      row.hidden = (wanted.length > 0 && !wanted.some(has)) || (section.value && !has(section.value));
      if (!row.hidden) shown += 1;
    }
    status.textContent = `${shown} of ${rows.length} shown`;
  }

  function read() {
    const chosen = new URLSearchParams(location.search);
    const wanted = chosen.getAll("verdict");
    for (const button of verdicts) press(button, wanted.includes(button.value));
    section.value = chosen.get("section") || "";
    if (section.selectedIndex < 0) section.value = "";
  }

  function write() {
    const chosen = new URLSearchParams(location.search);
    chosen.delete("verdict");
    chosen.delete("section");
    for (const button of verdicts.filter(isPressed)) chosen.append("verdict", button.value);
    if (section.value) chosen.set("section", section.value);
    const query = chosen.toString();
    history.replaceState(null, "", location.pathname + (query && `?${query}`));
  }

  function change() {
    show();
    write();
  }

  for (const button of verdicts) {
    button.addEventListener("click", () => {
      press(button, !isPressed(button));
      change();
    });
  }
  section.addEventListener("change", change);
  form.addEventListener("submit", event => event.preventDefault());
  form.addEventListener("reset", event => {
    event.preventDefault();
    for (const button of verdicts) press(button, false);
    section.value = "";
    change();
  });

  read();
  show();
  form.hidden = false;
})();
