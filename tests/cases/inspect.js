// What is wrong with a page: a function for each kind of thing, a list of texts from each.
{
  const root = document.documentElement
  const all = selector => [...document.querySelectorAll(selector)]
  const box = e => e.getBoundingClientRect()
  const shown = e => e.clientWidth > 1 && e.checkVisibility({visibilityProperty: true})
  const named = e => e.localName + (e.id && `#${e.id}`) + [...e.classList].map(c => `.${c}`).join("")
  const where = e => `${named(e)}: ${e.textContent.replace(/\s+/g, " ").trim().slice(0, 50)}`
  const code = "code, pre, script, style, annotation"

  const typeset = async () => {
    if (window.MathJax && MathJax.startup) await MathJax.startup.promise
  }
  const settled = async () => {
    await typeset()
    for (let frame = 0; frame < 2; frame++) {
      await new Promise(requestAnimationFrame)
      for (const change of document.getAnimations()) change.finish() // sidebars slide
    }
  }

  const mathematics = () => {
    const problems = [], raw = /\$|\\\(|\\\[|\\begin|\\frac|\\sigma|\\mathcal/
    if (raw.test(document.title)) problems.push(`raw mathematics in the title: ${document.title}`)
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    while (walk.nextNode()) {
      const text = walk.currentNode
      if (raw.test(text.data) && !text.parentElement.closest(code))
        problems.push(`raw mathematics: ${text.data.trim().slice(0, 60)}`)
    }
    for (const e of all(".math"))
      if (!e.querySelector("mjx-container, math")) problems.push(`not typeset: ${e.textContent}`)
    for (const e of all("mjx-merror, [data-mjx-error], merror"))
      problems.push(`error in mathematics: ${e.textContent}`)
    return problems
  }

  const images = async () => {
    const problems = []
    for (const e of all("img")) {
      e.loading = "eager"
      await e.decode().catch(() => {}) // without a picture it has no naturalWidth
      const sized = e.getAttribute("width") > 0 && e.getAttribute("height") > 0
      if (!e.naturalWidth) problems.push(`image not loaded: ${e.src}`)
      if (!e.alt.trim()) problems.push(`image without alt: ${e.src}`)
      if (!sized) problems.push(`image without size: ${e.src}`)
    }
    return problems
  }

  const tables = () => {
    const problems = []
    for (const e of all("table:not(.indextable)")) { // in that Sphinx sets its index in columns
      if (!e.querySelector("th")) problems.push(`table without a header: ${where(e)}`)
      for (const th of e.querySelectorAll("th:not([scope])"))
        problems.push(`header without a scope: ${where(th)} in ${named(e)}`)
    }
    return problems
  }

  const headings = () => {
    const found = all("h1, h2, h3, h4, h5, h6").filter(e => e.checkVisibility())
    const levels = found.map(e => Number(e.localName[1]))
    const skipped = found.filter((e, at) => at && levels[at] > levels[at - 1] + 1)
    const problems = skipped.map(e => `a level is skipped before ${where(e)}`)
    const titles = levels.filter(level => level == 1).length
    return titles == 1 ? problems : [...problems, `${titles} headings of level 1`]
  }

  const twice = () => {
    const ids = all("[id]:not([id^='mjx-'])").map(e => e.id) // nothing leads to MathJax's
    return ids.filter((id, at) => ids.indexOf(id) < at).map(id => `id that stands twice: ${id}`)
  }

  const buttons = () => {
    const blocks = all("article .highlight").filter(e => !e.querySelector("button.copybtn"))
    return blocks.map(e => `code without a copy button: ${where(e)}`)
  }

  // A formula alone may scroll in its box, and only where the window is narrow.
  const fits = async () => {
    await settled()
    const problems = [], narrow = innerWidth < 1000
    for (const e of [root, document.body, ...all("main, .bd-article-container, .bd-article")])
      if (e.scrollWidth > Math.min(e.clientWidth, innerWidth))
        problems.push(`scrolls sideways: ${named(e)}`)
    for (const e of all("body *").filter(e => e.scrollWidth > e.clientWidth + 1 && shown(e))) {
      const clips = getComputedStyle(e).overflowX != "visible" || e.matches("pre, table")
      const formula = e.matches(".math") && narrow || e.closest("mjx-container, math")
      if (clips && !formula) problems.push(`cut: ${where(e)}`)
    }
    for (const e of all(".math")) {
      const formula = e.querySelector("mjx-math, math")
      const hidden = getComputedStyle(e).overflowX == "hidden"
      if (hidden && e.scrollWidth > e.clientWidth + 1) problems.push(`cut: ${e.title}`)
      if (formula && box(formula).left < box(e).left - 1)
        problems.push(`begins out of reach: ${formula.textContent}`)
    }
    return narrow ? problems : [...problems, ...wrapped()]
  }

  // Lines of code that would need more room than their box has.
  const wrapped = () => {
    const style = document.createElement("style")
    style.textContent = "pre, pre * { white-space: pre !important; }"
    document.head.append(style)
    const wide = all("pre").filter(e => e.scrollWidth > e.clientWidth + 1 && shown(e))
    style.remove()
    return wide.map(e => `a line wraps: ${where(e)}`)
  }

  // What axe-core finds serious or critical; formulas are MathJax's.
  const accessible = async (options, exclude) => {
    const parts = {exclude: ["mjx-container", ...exclude].map(selector => [selector])}
    const settings = {...options, resultTypes: ["violations"], preload: false}
    const {violations} = await axe.run(parts, settings)
    const severe = violations.filter(({impact}) => ["serious", "critical"].includes(impact))
    return severe.flatMap(({id, nodes}) => nodes.map(({target}) => `${id}: ${target.join(" ")}`))
  }

  // The outline, or shadow, of what the keyboard has reached.
  const focus = () => {
    const e = document.activeElement, style = getComputedStyle(e)
    const outlined = style.outlineStyle != "none" && parseFloat(style.outlineWidth) > 0
    return {element: where(e), seen: outlined || style.boxShadow != "none"}
  }

  const content = async () => {
    await typeset()
    const looks = [mathematics, images, tables, headings, twice, buttons]
    const problems = (await Promise.all(looks.map(look => look()))).flat()
    const formulas = all("mjx-container, math:not(mjx-container math)").length
    const ids = all("[id]").map(e => e.id), links = all("a[href]").map(e => e.href)
    return {problems: [...new Set(problems)], ids, links, formulas}
  }

  window.inspect = {content, fits, accessible, focus}
}
