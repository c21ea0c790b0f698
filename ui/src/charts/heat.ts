// Native histograms of a range query as columns of coloured cells. Buckets may change their bounds over time, leave
// gaps, cross zero or be without end; so bands are made of all bounds there are, and a bucket fills one or more.
import type { Histogram } from "../api/types.gen";
import { parseValue } from "../kit/format";

export interface Cell {
  /** Bands that it fills: of `edges`, from this index to that. */
  low: number;
  high: number;
  count: number;
}

export interface Column {
  /** Seconds; its middle. */
  time: number;
  cells: Cell[];
}

/** A row of the heatmap's twin as a table. */
export interface Bucket {
  name: string;
  lower: number;
  upper: number;
  last: number;
  average: number;
  max: number;
}

export interface Heat {
  labels: Record<string, string>;
  columns: Column[];
  columnSeconds: number;
  /** Ascending; infinities may be at the ends. */
  edges: number[];
  /** Where each edge is drawn, from 0 to 1. */
  heights: number[];
  /** Of a cell. */
  max: number;
  buckets: Bucket[];
  peak: { name: string; time: number; count: number } | null;
}

export interface Times {
  /** Seconds. */
  from: number;
  to: number;
  step: number;
}

interface Series {
  metric: Record<string, string>;
  histograms?: ReadonlyArray<[number, Histogram]> | null;
}

/** More columns than these are no wider than a pixel or two; steps share one, which shows their average. */
const columnsMax = 400;
const edgesMax = 900;
const bucketsMax = 1000;
/** In bands; a gap between buckets looks as wide as the buckets that it could hold, up to this. */
const gapMax = 8;

/** As mathematics writes it: `(0.5, 1]`. Rules: 0 open left, 1 open right, 2 open both, 3 closed both. */
export function bucketName(rule: number, lower: string, upper: string): string {
  return `${rule === 1 || rule === 3 ? "[" : "("}${lower}, ${upper}${rule === 0 || rule === 3 ? "]" : ")"}`;
}

function edgesOf(histograms: Series["histograms"]): number[] {
  const all = new Set<number>();
  for (const [, { buckets }] of histograms ?? [])
    for (const [, lower, upper] of buckets ?? [])
      for (const edge of [parseValue(lower), parseValue(upper)]) if (!Number.isNaN(edge)) all.add(edge);
  const sorted = [...all].sort((a, b) => a - b);
  if (sorted.length <= edgesMax) return sorted;
  const stride = (sorted.length - 1) / (edgesMax - 1);
  return Array.from({ length: edgesMax }, (_, index) => sorted[Math.round(index * stride)] ?? 0);
}

/** The first index whose edge is not less than the value. */
function find(edges: readonly number[], value: number): number {
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((edges[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Which band a height is in: the index of its lower edge. */
export function bandAt(heat: Heat, height: number): number {
  return Math.max(find(heat.heights, height) - 1, 0);
}

/** Where a value is drawn, or null if there is no band for it. */
export function heightAt({ edges, heights }: Heat, value: number): number | null {
  const upper = find(edges, value);
  const [below, above] = [edges[upper - 1], edges[upper]];
  const [bottom, top] = [heights[upper - 1], heights[upper]];
  if (above === value) return top ?? null;
  if (below === undefined || above === undefined || bottom === undefined || top === undefined) return null;
  const share = (value - below) / (above - below);
  return bottom + (top - bottom) * (share >= 0 && share <= 1 ? share : 0.5);
}

/** How many times a band's bounds grow, as a logarithm; null where there is no such number. */
function growth(lower: number, upper: number): number | null {
  // The bucket of zero ends at thresholds such as 1e-128, which are no place on a scale.
  if (Math.min(Math.abs(lower), Math.abs(upper)) < 1e-30) return null;
  const size = Math.abs(Math.log(upper / lower));
  return lower * upper > 0 && Number.isFinite(size) ? size : null;
}

function heightsOf(edges: readonly number[], isFilled: readonly boolean[]): number[] {
  const grown = edges.slice(1).map((upper, band) => growth(edges[band] ?? 0, upper));
  const usual = grown.filter((one, band) => isFilled[band] && one !== null).sort((a, b) => Number(a) - Number(b));
  const median = usual[usual.length >> 1] ?? null;
  let total = 0;
  const sums = [0];
  grown.forEach((one, band) => {
    const fits = median !== null && one !== null && !isFilled[band];
    total += fits ? Math.min(Math.max(one / median, 1), gapMax) : 1;
    sums.push(total);
  });
  return edges.map((_, index) => (sums[index] ?? 0) / (total || 1));
}

export function heatOf(series: Series, { from, to, step }: Times): Heat {
  const histograms = series.histograms ?? [];
  const edges = edgesOf(histograms);
  const steps = Math.max(Math.floor((to - from) / step + 1e-6) + 1, 1);
  const stepsPerColumn = Math.ceil(steps / columnsMax);
  const columns = Array.from({ length: Math.ceil(steps / stepsPerColumn) }, (_, index) => ({
    time: from + (index * stepsPerColumn + (stepsPerColumn - 1) / 2) * step,
    cells: new Map<number, Cell>(),
    steps: 0,
  }));
  const isFilled = new Array<boolean>(edges.length).fill(false);
  const buckets = new Map<string, Bucket>();
  let peak: Heat["peak"] = null;
  histograms.forEach(([time, histogram], at) => {
    const column = columns[Math.floor(Math.round((time - from) / step) / stepsPerColumn)];
    if (column) column.steps += 1;
    for (const [rule, lowerText, upperText, countText] of histogram.buckets ?? []) {
      const [lower, upper, count] = [parseValue(lowerText), parseValue(upperText), parseValue(countText)];
      // What is left of a subtraction may be below zero: nothing that a colour could show.
      if (!(lower <= upper) || !Number.isFinite(count) || count <= 0) continue;
      const name = bucketName(rule, lowerText, upperText);
      const row = buckets.get(name) ?? { name, lower, upper, last: 0, average: 0, max: 0 };
      row.average += count / histograms.length;
      row.max = Math.max(row.max, count);
      if (at === histograms.length - 1) row.last = count;
      if (buckets.size < bucketsMax) buckets.set(name, row);
      if (peak === null || count > peak.count) peak = { name, time, count };
      // A bucket of zero alone has no height; the table has it.
      if (!column || lower === upper) continue;
      const low = Math.min(find(edges, lower), edges.length - 2);
      const high = Math.max(find(edges, upper), low + 1);
      isFilled.fill(true, low, high);
      const key = low * edgesMax + high;
      const cell = column.cells.get(key);
      if (cell) cell.count += count;
      else column.cells.set(key, { low, high, count });
    }
  });
  let max = 0;
  const averaged = columns.map((column) => {
    const cells = [...column.cells.values()].map((cell) => ({ ...cell, count: cell.count / column.steps }));
    for (const cell of cells) max = Math.max(max, cell.count);
    return { time: column.time, cells };
  });
  return {
    labels: series.metric,
    columns: averaged,
    columnSeconds: stepsPerColumn * step,
    edges,
    heights: heightsOf(edges, isFilled),
    max,
    // The greatest values first, as they are at the top.
    buckets: [...buckets.values()].sort((a, b) => b.upper - a.upper || b.lower - a.lower),
    peak,
  };
}

/** Small counts stay visible beside large ones: the share of the way through the colours. */
export function shade(count: number, max: number): number {
  return max > 0 ? Math.sqrt(Math.min(Math.max(count / max, 0), 1)) : 0;
}

/** Counts whose colours are evenly apart. */
export function shadeSteps(max: number): number[] {
  return [1, 2, 3, 4].map((step) => max * (step / 4) ** 2);
}
