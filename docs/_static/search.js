"use strict";

/* The summaries of the search: formulas in plain notation; no code, outputs, types, nothing of the frame. */
document.addEventListener("DOMContentLoaded", () => {
  if (typeof Search === "undefined") return;
  if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false; // no page may be read
  const textOf = Search.htmlToText;
  Search.htmlToText = (html, anchor) => {
    const page = new DOMParser().parseFromString(html, "text/html");
    for (const formula of page.querySelectorAll("[data-plain]"))
      formula.replaceWith(formula.dataset.plain);
    const frame = ".bd-header-article, .prev-next-footer, .bd-sidebar-secondary, .notebook-bar";
    const left = `pre, button, noscript, .cell_output, .classifier, ${frame}`;
    for (const part of page.querySelectorAll(left)) part.remove();
    return textOf(page.documentElement.outerHTML, anchor && "#" + CSS.escape(anchor.slice(1)));
  };
});
