// Classic histograms: series that differ by `le` alone and count everything up to it. Made into what native
// histograms are, so that both are drawn by the same code.
import type { Histogram, RangeSeries } from "../api/types.gen";
import { parseValue } from "../kit/format";

export type Classic =
  | { kind: "histogram"; series: RangeSeries }
  /** Of several histograms at once: nothing says how to add them up. */
  | { kind: "several"; labels: string[] }
  /** Not one that counts up, or too few buckets to see anything. */
  | { kind: "none" };

const bucketsMin = 3;
/** Beyond these, neighbours are one: nobody could see them apart. */
const bucketsMax = 300;
/** Sums of rates differ by rounding; a true fall is larger. As Prometheus' histogram_quantile has it. */
const fallMin = 1e-12;
/** Steps that may fall: series of one histogram may begin and end at different times. */
const fallsMax = 0.1;

interface Upto {
  bound: number;
  text: string;
  counts: Map<number, number>;
}

/** By bound; series with the same bound, such as `1` and `1.0`, count as one. */
function bounds(series: readonly RangeSeries[]): Upto[] {
  const byBound = new Map<number, Upto>();
  for (const { metric, values } of series) {
    const text = metric.le ?? "";
    const bound = parseValue(text);
    const upto = byBound.get(bound) ?? { bound, text, counts: new Map<number, number>() };
    byBound.set(bound, upto);
    for (const [time, value] of values ?? []) {
      const count = parseValue(value);
      if (Number.isFinite(count)) upto.counts.set(time, (upto.counts.get(time) ?? 0) + count);
    }
  }
  const sorted = [...byBound.values()].sort((a, b) => a.bound - b.bound);
  if (sorted.length <= bucketsMax) return sorted;
  // What counts up to a bound holds all below it: without some bounds the buckets are coarser, and right.
  const stride = (sorted.length - 1) / (bucketsMax - 1);
  return Array.from({ length: bucketsMax }, (_, index) => sorted[Math.round(index * stride)]).filter(
    (one): one is Upto => one !== undefined,
  );
}

/** Other labels than `le`, as a text that is the same for the same labels. */
function others(metric: Record<string, string>): string {
  const rest = Object.entries(metric).filter(([name]) => name !== "le");
  return JSON.stringify(rest.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Names of labels, without `le`, that the series do not have in common. */
function differing(series: readonly RangeSeries[]): string[] {
  const first = series[0]?.metric ?? {};
  const names = new Set<string>();
  for (const { metric } of series)
    for (const name of [...Object.keys(metric), ...Object.keys(first)])
      if (name !== "le" && metric[name] !== first[name]) names.add(name);
  return [...names].sort();
}

/** Whether they look like buckets of one classic histogram or more. */
export function isByBuckets(series: readonly RangeSeries[]): boolean {
  const found = new Set<number>();
  for (const { metric, histograms } of series) {
    // Native histograms are on their own.
    if ((histograms?.length ?? 0) > 0) continue;
    const bound = metric.le === undefined ? Number.NaN : parseValue(metric.le);
    if (Number.isNaN(bound)) return false;
    found.add(bound);
  }
  return found.size >= bucketsMin;
}

export function classicOf(series: readonly RangeSeries[]): Classic {
  if (!isByBuckets(series)) return { kind: "none" };
  if (new Set(series.map(({ metric }) => others(metric))).size > 1)
    return { kind: "several", labels: differing(series) };

  const uptos = bounds(series);
  const times = [...new Set(uptos.flatMap(({ counts }) => [...counts.keys()]))].sort((a, b) => a - b);
  let falls = 0;
  const histograms = times.map((time): [number, Histogram] => {
    const buckets: NonNullable<Histogram["buckets"]> = [];
    let lower = "-Inf";
    let below = 0;
    let hasFallen = false;
    for (const { text, counts } of uptos) {
      const count = counts.get(time);
      // What is not there now is within the next.
      if (count === undefined) continue;
      if (count < below - Math.abs(below) * fallMin) hasFallen = true;
      buckets.push([0, lower, text, String(Math.max(count - below, 0))]);
      below = Math.max(count, below);
      lower = text;
    }
    if (hasFallen) falls += 1;
    return [time, { count: String(below), sum: "NaN", buckets }];
  });
  if (times.length === 0 || falls > times.length * fallsMax) return { kind: "none" };
  const { le: _, ...metric } = series[0]?.metric ?? {};
  return { kind: "histogram", series: { metric, histograms } };
}
