/* The interactive figure: recorded runs of Algorithm 2.1, drawn by uPlot, chosen by native controls. */
"use strict";

const EXPLORER_LINES = {
  values: {
    sigma_max: { color: "values" },
    sigma_min: { color: "values", dash: [7, 5] },
    condition_number: { color: "values", dash: [2, 3] },
  },
  penalties: {
    estimate: { color: "estimate", dots: true },
    penalty: { color: "ink", dash: [7, 5] },
    alpha: { color: "ink", dash: [2, 3] },
  },
};

/* The record as it was written: JSON, compressed, in base 64. */
async function explorerRecord(root) {
  const packed = atob(root.querySelector(".explorer-record").textContent);
  const bytes = Uint8Array.from(packed, (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}

/* Three digits, as recorded. */
function explorerNumber(value) {
  return value < 1000 ? value.toPrecision(3) : value.toLocaleString("en");
}

/* 1, 2 and 5 of each decade, or powers of ten alone where there are many. */
function explorerTicks(low, high) {
  const decades = Math.log10(high / low);
  const each = Math.ceil(decades / 6);
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
    if (power % each === 0) {
      for (const digit of decades < 3.2 ? [1, 2, 5] : [1]) ticks.push(Number(`${digit}e${power}`));
    }
  }
  return ticks.filter((tick) => low <= tick && tick <= high);
}

class Explorer {
  constructor(root, record) {
    this.root = root;
    this.record = record;
    this.form = root.querySelector("form");
    this.slider = root.querySelector("input[type=range]");
    this.form.addEventListener("change", () => this.choose());
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.slider.addEventListener("input", () => this.show());
    root.querySelector(".explorer-live").hidden = false;
    this.plots = [...root.querySelectorAll("[data-plot]")].map((place) => this.plot(place));
    this.choose();
    const redraw = () => this.plots.forEach((plot) => plot.redraw(false));
    new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    matchMedia("print").addEventListener("change", redraw);
  }

  get iteration() {
    return Number(this.slider.value);
  }

  /* The values of a line of the chosen run; alpha is one, too. */
  line(name, run = this.run) {
    return name === "alpha" ? run.estimate.map(() => this.alpha) : run[name];
  }

  color(name) {
    return getComputedStyle(this.root).getPropertyValue(`--explorer-${name}`);
  }

  /* Another run: its lines, what is said of it, the numbers. */
  choose() {
    const chosen = new FormData(this.form);
    this.kernel = chosen.get("kernel");
    this.alpha = Number(chosen.get("alpha"));
    this.run = this.record.runs[[...chosen.values()].join(" ")];
    this.root.querySelector(".explorer-words").textContent = this.run.words.join(" ");
    for (const plot of this.plots) plot.setData(this.data(plot.lines));
    this.show();
  }

  data(lines) {
    const iterations = this.run.estimate.map((value, iteration) => iteration);
    return [iterations, ...Object.keys(lines).map((name) => this.line(name))];
  }

  /* The same for all runs of a kernel with an alpha, so that they can be compared. */
  range(lines) {
    const values = [];
    for (const [name, run] of Object.entries(this.record.runs)) {
      if (!name.startsWith(`${this.kernel} ${this.alpha} `)) continue;
      for (const line of Object.keys(lines)) values.push(...this.line(line, run));
    }
    return [Math.min(...values) / 1.2, Math.max(...values) * 1.2];
  }

  /* The chosen iteration: numbers, taps, marks. */
  show() {
    const at = this.iteration;
    const said = [`Iteration ${at}`];
    this.root.querySelector("output").textContent = at;
    for (const cell of this.root.querySelectorAll("[data-line]")) {
      const name = cell.dataset.line;
      const value = this.line(name)[at];
      cell.textContent = name === "alpha" ? value : explorerNumber(value);
      said.push(`${name.replace("_", " ")} ${cell.textContent}`);
    }
    this.root.querySelector(".explorer-status").textContent = said.join(", ");
    this.showTaps();
    for (const plot of this.plots) plot.redraw(false);
  }

  showTaps() {
    const pairs = this.record.kernels[this.kernel];
    const [size, , inputs, outputs] = this.kernel.split("x").map(Number);
    const all = inputs * outputs;
    const which = all > pairs.length ? ` (${pairs.length} of ${all} pairs)` : "";
    const title = document.createElement("p");
    const detail = document.createElement("small");
    detail.textContent = `input → output channel${which}`;
    title.append(`Taps at iteration ${this.iteration} `, detail);
    const grids = pairs.map(([input, output], index) => {
      const grid = document.createElement("div");
      const name = document.createElement("p");
      name.textContent = `${input + 1} → ${output + 1}`;
      grid.append(name);
      for (const tap of this.run.taps[this.iteration].slice(index * size * size, (index + 1) * size * size)) {
        const cell = document.createElement("span");
        cell.textContent = (tap / 100).toFixed(2).replace("-", "−");
        cell.className = tap < 0 ? "minus" : "plus";
        cell.style.setProperty("--strength", Math.round(0.7 * Math.abs(tap)));
        grid.append(cell);
      }
      grid.setAttribute("role", "group");
      grid.setAttribute("aria-label", `input channel ${input + 1} to output channel ${output + 1}, row by row`);
      return grid;
    });
    this.root.querySelector(".explorer-taps").replaceChildren(title, ...grids);
  }

  plot(place) {
    const lines = EXPLORER_LINES[place.dataset.plot];
    const size = () => {
      const width = place.clientWidth;
      return { width, height: Math.round(Math.min(300, Math.max(200, 0.6 * width))) };
    };
    const axis = {
      stroke: () => this.color("ink"),
      grid: { stroke: () => this.color("grid"), width: 1 },
      ticks: { show: false },
      font: `13px ${getComputedStyle(this.root).fontFamily}`,
    };
    const plot = new uPlot(
      {
        ...size(),
        padding: [8, 8, 0, 0],
        legend: { show: false },
        cursor: { show: false },
        select: { show: false },
        scales: { x: { time: false }, y: { distr: 3, range: () => this.range(lines) } },
        axes: [
          { ...axis, size: 28, gap: 4, incrs: [5, 10] },
          {
            ...axis,
            size: 56,
            gap: 4,
            splits: (self, index, low, high) => explorerTicks(low, high),
            filter: (self, ticks) => ticks,
            values: (self, ticks) => ticks.map((tick) => tick.toLocaleString("en", { maximumSignificantDigits: 1 })),
          },
        ],
        series: [{}, ...Object.values(lines).map((line) => this.series(line))],
        hooks: { draw: [(self) => this.mark(self, lines)] },
      },
      null,
      place,
    );
    plot.lines = lines;
    for (const kind of ["pointermove", "pointerdown"]) {
      plot.over.addEventListener(kind, (event) => {
        this.slider.value = plot.posToIdx(event.offsetX);
        this.show();
      });
    }
    new ResizeObserver(() => plot.setSize(size())).observe(place);
    return plot;
  }

  series({ color, dash, dots = false }) {
    const stroke = () => this.color(color);
    return { stroke, dash, width: 2, points: { show: dots, size: 6, width: 0, stroke, fill: stroke } };
  }

  /* A line at the chosen iteration, and a ring on each line there. */
  mark(plot, lines) {
    if (!this.run) return;
    const context = plot.ctx;
    const { top, height } = plot.bbox;
    const x = plot.valToPos(this.iteration, "x", true);
    context.save();
    context.setLineDash([]);
    context.lineWidth = uPlot.pxRatio;
    context.strokeStyle = this.color("mark");
    context.beginPath();
    context.moveTo(x, top);
    context.lineTo(x, top + height);
    context.stroke();
    for (const [name, line] of Object.entries(lines)) {
      const y = plot.valToPos(this.line(name)[this.iteration], "y", true);
      context.beginPath();
      context.arc(x, y, 5 * uPlot.pxRatio, 0, 2 * Math.PI);
      context.lineWidth = 2 * uPlot.pxRatio;
      context.strokeStyle = this.color(line.color);
      context.stroke();
    }
    context.restore();
  }
}

for (const root of document.querySelectorAll(".explorer")) {
  const instead = root.querySelector("noscript");
  explorerRecord(root)
    .then((record) => new Explorer(root, record))
    .catch(() => {
      root.querySelector(".explorer-live").hidden = true;
      instead.outerHTML = instead.textContent;
    });
}
