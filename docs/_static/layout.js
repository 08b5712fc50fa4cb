"use strict";
/* A formula that is too wide for its place scrolls there, and the keyboard reaches it. */

function fitFormulas() {
  for (const formula of document.querySelectorAll(".bd-article .math")) {
    const shown = formula.clientWidth > 1; // not so the header of a table of cards
    const wide = shown && formula.scrollWidth > formula.clientWidth + 2;
    formula.classList.toggle("wide", wide);
    if (wide) {
      formula.tabIndex = 0;
    } else {
      formula.removeAttribute("tabindex");
    }
  }
}

if (window.MathJax?.startup) {
  MathJax.startup.promise.then(() => document.fonts.ready).then(fitFormulas);
  window.addEventListener("resize", fitFormulas);
}

/* 404.html has a base, so that it finds its files at any depth; its way to the content is on itself. */
const base = document.querySelector("base");
if (base) document.querySelector("#pst-skip-link a").href = `${location.href.split("#")[0]}#main-content`;
