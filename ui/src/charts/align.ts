// Answers of range queries as columns over one grid of times, which is what gets drawn.
import { parseValue } from "../kit/format";

export interface Line {
  labels: Record<string, string>;
  /** One for each time of the grid; NaN and infinities are gaps, as is what is not there. */
  values: Array<number | null>;
}

export interface Grid {
  /** Seconds. */
  times: number[];
  lines: Line[];
  /** Whether some value could not be drawn. */
  hasGapsForNaN: boolean;
}

interface Series {
  metric: Record<string, string>;
  values?: ReadonlyArray<[number, string]> | null;
}

export function align(series: readonly Series[], startSeconds: number, endSeconds: number, stepSeconds: number): Grid {
  const count = Math.floor((endSeconds - startSeconds) / stepSeconds + 1e-6) + 1;
  const times = Array.from({ length: count }, (_, index) => startSeconds + index * stepSeconds);
  let hasGapsForNaN = false;
  const lines = series.map((one) => {
    const values = new Array<number | null>(count).fill(null);
    for (const [time, text] of one.values ?? []) {
      const index = Math.round((time - startSeconds) / stepSeconds);
      const value = parseValue(text);
      if (Number.isFinite(value)) values[index] = value;
      else hasGapsForNaN = true;
    }
    return { labels: one.metric, values };
  });
  return { times, lines, hasGapsForNaN };
}

/** Each line on top of those before it; a gap counts as nothing. */
export function stack(lines: readonly Line[]): Array<Array<number | null>> {
  const sums: number[] = [];
  return lines.map((line) =>
    line.values.map((value, index) => {
      if (value === null) return null;
      sums[index] = (sums[index] ?? 0) + value;
      return sums[index] ?? null;
    }),
  );
}

/** What the axis of values spans. Values that differ only by what floats round away are one flat line. */
export function spanOf(min: number | null, max: number | null, startsAtZero: boolean): [number, number] {
  if (min === null || max === null || !Number.isFinite(min) || !Number.isFinite(max)) return [0, 1];
  const low = startsAtZero ? Math.min(0, min) : min;
  const spread = max - low;
  const pad = (spread > Math.abs(max) * 1e-9 ? spread : Math.abs(max) || 1) * 0.06;
  return [low === 0 ? 0 : low - pad, max + pad];
}

export interface Summary {
  last: number | null;
  min: number | null;
  average: number | null;
  max: number | null;
}

export function summarize(values: ReadonlyArray<number | null>): Summary {
  let last: number | null = null;
  let min: number | null = null;
  let max: number | null = null;
  let sum = 0;
  let count = 0;
  for (const value of values) {
    if (value === null) continue;
    last = value;
    if (min === null || value < min) min = value;
    if (max === null || value > max) max = value;
    sum += value;
    count += 1;
  }
  if (count === 0) return { last, min, max, average: null };
  // The sum of great numbers is beyond all numbers, their average is not.
  const average = Number.isFinite(sum)
    ? sum / count
    : values.reduce<number>((mean, value) => mean + (value ?? 0) / count, 0);
  return { last, min, max, average };
}

/** Labels that all lines have with the same value, and those that tell them apart. */
export function common(all: ReadonlyArray<Record<string, string>>): Record<string, string> {
  const [first, ...rest] = all;
  if (!first || rest.length === 0) return {};
  return Object.fromEntries(
    Object.entries(first).filter(([name, value]) => rest.every((labels) => labels[name] === value)),
  );
}
