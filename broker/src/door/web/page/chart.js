// Draws numbers over time: lines, and bands from the lowest to the highest where several values stand for one point.

import { locale, number, when } from "./words.js";

let loading;

/** The plotting library is asked for where the first plot is. */
function library() {
  loading ??= new Promise((loaded, failed) => {
    const script = document.createElement("script");
    script.src = new URL("vendor/uplot.js", import.meta.url).href;
    script.onload = () => loaded(window.uPlot);
    script.onerror = () => {
      loading = undefined;
      failed(new Error("the broker did not give the plotting library"));
    };
    document.head.append(script);
  });
  return loading;
}

/** A value of the style sheet, as this element has it. */
const style = (element, name) => getComputedStyle(element).getPropertyValue(name).trim();

const COLOURS = ["--line-1", "--line-2", "--line-3", "--line-4", "--line-5", "--line-6"];

/**
 * A plot that fills its element's width.
 *
 * `set` shows other data: `series` are `{label, points, band}` with `points` of `[seconds since 1970, number or null]`,
 * oldest first, where null is a gap, and `band`, where there is one, of `[seconds, lowest, highest]` at the same times.
 * @returns {Promise<{set: (data: object) => void, destroy: () => void}>}
 */
export async function plot(element, data) {
  const uPlot = await library();
  let drawn = null;
  let shown = data;
  let shape = "";

  const make = () => {
    drawn?.destroy();
    drawn = new uPlot(options(uPlot, element, shown), columns(shown.series), element);
  };
  const set = (data) => {
    shown = data;
    const next = data.series.map((series) => `${series.label}${series.band ? "=" : ""}`).join("\n");
    if (!drawn || next !== shape) {
      shape = next;
      make();
    } else {
      drawn.batch(() => {
        drawn.setData(columns(data.series), false);
        drawn.setScale("x", { min: data.from, max: data.to });
      });
    }
  };
  const resized = new ResizeObserver(() => drawn?.setSize(size(element, shown)));
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  scheme.addEventListener("change", make);
  resized.observe(element);
  set(data);
  return {
    set,
    destroy() {
      resized.disconnect();
      scheme.removeEventListener("change", make);
      drawn?.destroy();
      drawn = null;
    },
  };
}

const size = (element, { height }) => ({
  width: Math.max(80, element.clientWidth),
  height: height ?? Math.max(60, element.clientHeight),
});

/** All series have the same times, as uPlot wants them; undefined: that one says nothing of this time. */
function columns(series) {
  const times = [...new Set(series.flatMap(({ points }) => points.map(([time]) => time)))].sort((a, b) => a - b);
  const place = new Map(times.map((time, index) => [time, index]));
  const column = (pairs) => {
    const values = new Array(times.length);
    for (const [time, value] of pairs) values[place.get(time)] = value;
    return values;
  };
  const all = [times];
  for (const { points, band } of series) {
    all.push(column(points));
    if (band) {
      all.push(column(band.map(([time, low]) => [time, low])));
      all.push(column(band.map(([time, , high]) => [time, high])));
    }
  }
  return all;
}

function options(uPlot, element, { series, from, to, height }) {
  const ink = style(element, "--soft");
  const grid = { stroke: style(element, "--line"), width: 1 };
  const font = `12px ${style(element, "--text") || "sans-serif"}`;
  const lines = [{ value: (_, time) => (time == null ? "" : when(time)) }];
  const bands = [];
  series.forEach(({ label, points, band }, index) => {
    const stroke = style(element, COLOURS[index % COLOURS.length]);
    const value = (_, it) => (it == null ? "" : number(it));
    // A point between two gaps would not be seen as a line.
    const isAlone = (plot, number, first, last) => last - first < 40 || !points.length;
    lines.push({ label: label || "value", stroke, width: 1.5, value, points: { show: isAlone, size: 4 } });
    if (band) {
      const edge = { stroke: "transparent", width: 0, points: { show: false }, value };
      lines.push({ ...edge, label: "lowest" }, { ...edge, label: "highest" });
      const last = lines.length - 1;
      bands.push({ series: [last, last - 1], fill: `color-mix(in srgb, ${stroke} 22%, transparent)` });
    }
  });
  const axis = { stroke: ink, grid, ticks: { ...grid, size: 4 }, font };
  return {
    ...size(element, { height }),
    series: lines,
    bands,
    scales: { x: { time: true, min: from, max: to } },
    axes: [
      { ...axis, values: times, space: 80 },
      { ...axis, values: (_, values) => values.map((it) => (it == null ? "" : number(it))), size: widest, space: 32 },
    ],
    // Room for half of the last time.
    padding: [8, 30, 0, 0],
    cursor: { drag: { x: false, y: false }, points: { size: 6 } },
    legend: { show: true, live: true },
  };
}

/** As wide as the longest number, so that none is cut. */
function widest(plot, values, index, cycle) {
  if (cycle > 1) return plot.axes[index]._size;
  const longest = Math.max(0, ...(values ?? []).map((text) => text.length));
  return Math.max(40, 14 + longest * 7);
}

/** The times of an axis, by what lies between two of them. */
function times(_, splits, index, space, step) {
  const day = { month: "short", day: "numeric" };
  const clock = { hour: "2-digit", minute: "2-digit" };
  const parts = step >= 86_400 * 28 ? { year: "numeric", month: "short" } : step >= 86_400 ? day : step < 60 ? { ...clock, second: "2-digit" } : clock;
  const format = new Intl.DateTimeFormat(locale, parts);
  const date = new Intl.DateTimeFormat(locale, day);
  let before = "";
  return splits.map((time) => {
    const at = new Date(time * 1000);
    if (step >= 86_400) return format.format(at);
    // Where a day begins it is named.
    const today = date.format(at);
    const isNew = before !== "" && before !== today;
    before = today;
    return isNew ? today : format.format(at);
  });
}
