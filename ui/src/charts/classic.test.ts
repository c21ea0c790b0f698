import { expect, test } from "vitest";
import type { RangeSeries } from "../api/types.gen";
import { classicOf } from "./classic";
import { heatOf } from "./heat";

function upto(le: string, values: ReadonlyArray<[number, string]>, more: Record<string, string> = {}): RangeSeries {
  return { metric: { __name__: "took_seconds_bucket", ...more, le }, values: [...values] };
}

const took = [
  upto("+Inf", [
    [0, "10"],
    [10, "24"],
  ]),
  upto("0.5", [
    [0, "1"],
    [10, "4"],
  ]),
  upto("1", [
    [0, "7"],
    [10, "20"],
  ]),
];

function buckets(series: readonly RangeSeries[]) {
  const classic = classicOf(series);
  if (classic.kind !== "histogram") return classic.kind;
  return classic.series.histograms?.map(([time, histogram]) => [time, histogram.buckets]);
}

test("what counts up to a bound becomes what is between two", () => {
  expect(buckets(took)).toEqual([
    [
      0,
      [
        [0, "-Inf", "0.5", "1"],
        [0, "0.5", "1", "6"],
        [0, "1", "+Inf", "3"],
      ],
    ],
    [
      10,
      [
        [0, "-Inf", "0.5", "4"],
        [0, "0.5", "1", "16"],
        [0, "1", "+Inf", "4"],
      ],
    ],
  ]);
  const classic = classicOf(took);
  if (classic.kind !== "histogram") throw new Error(classic.kind);
  expect(classic.series.metric).toEqual({ __name__: "took_seconds_bucket" });
  const heat = heatOf(classic.series, { from: 0, to: 10, step: 10 });
  expect(heat.edges).toEqual([Number.NEGATIVE_INFINITY, 0.5, 1, Number.POSITIVE_INFINITY]);
  expect(heat.peak).toEqual({ name: "(0.5, 1]", time: 10, count: 16 });
  expect(heat.buckets.map(({ name, last }) => [name, last])).toEqual([
    ["(1, +Inf]", 4],
    ["(0.5, 1]", 16],
    ["(-Inf, 0.5]", 4],
  ]);
});

test("several histograms at once are refused, with the labels that tell them apart", () => {
  const two = [...took.map((one) => ({ ...one, metric: { ...one.metric, path: "/a" } })), ...took];
  expect(classicOf(two)).toEqual({ kind: "several", labels: ["path"] });
  const names = [...took, { ...took[0], metric: { __name__: "other_bucket", le: "1" } }];
  expect(classicOf(names)).toEqual({ kind: "several", labels: ["__name__"] });
});

test("what is no histogram is none", () => {
  const none = { kind: "none" };
  expect(classicOf([])).toEqual(none);
  expect(classicOf(took.slice(0, 2))).toEqual(none);
  expect(classicOf([...took, { metric: { job: "x" }, values: [[0, "1"]] }])).toEqual(none);
  expect(classicOf(["a", "b", "c"].map((le) => upto(le, [[0, "1"]])))).toEqual(none);
  expect(classicOf(["1", "1.0", "1e0"].map((le) => upto(le, [[0, "1"]])))).toEqual(none);
  expect(classicOf(["1", "2", "3"].map((le) => ({ metric: { le }, values: null })))).toEqual(none);
  expect(classicOf(["1", "2", "3"].map((le) => upto(le, [[0, "NaN"]])))).toEqual(none);
  // Counts of each bucket, and quantiles: they fall where they should grow.
  expect(classicOf(["1", "2", "3"].map((le, at) => upto(le, [[0, String(9 - at)]])))).toEqual(none);
});

test("gaps and rounding", () => {
  // The bucket in the middle begins later; what it would hold is in the next.
  const late = [upto("1", [[0, "1"]]), upto("2", [[10, "5"]]), upto("4", [[0, "4"]])];
  expect(buckets(late)?.[0]).toEqual([
    0,
    [
      [0, "-Inf", "1", "1"],
      [0, "1", "4", "3"],
    ],
  ]);
  const rounded = ["0.30000000000000004", "0.3", "0.4"].map((count, at) => upto(String(at), [[0, count]]));
  expect(buckets(rounded)?.[0]).toEqual([
    0,
    [
      [0, "-Inf", "0", "0.30000000000000004"],
      [0, "0", "1", "0"],
      [0, "1", "2", String(0.4 - 0.30000000000000004)],
    ],
  ]);
  // One fall in twenty steps is a series that began anew; the count does not go below zero.
  const steady = (count: number): Array<[number, string]> =>
    Array.from({ length: 20 }, (_, time) => [time, String(count)]);
  const once = [upto("1", steady(5)), upto("2", [...steady(6).slice(1), [0, "1"]]), upto("4", steady(7))];
  expect(buckets(once)?.[0]).toEqual([
    0,
    [
      [0, "-Inf", "1", "5"],
      [0, "1", "2", "0"],
      [0, "2", "4", "2"],
    ],
  ]);
});

test("the same bound written twice is one, and very many bounds become fewer", () => {
  const twice = [upto("1", [[0, "1"]]), upto("1.0", [[0, "2"]]), upto("2", [[0, "4"]]), upto("3", [[0, "5"]])];
  expect(buckets(twice)?.[0]).toEqual([
    0,
    [
      [0, "-Inf", "1", "3"],
      [0, "1", "2", "1"],
      [0, "2", "3", "1"],
    ],
  ]);
  const many = Array.from({ length: 5000 }, (_, at) => upto(String(at), [[0, String(at + 1)]]));
  const classic = classicOf(many);
  if (classic.kind !== "histogram") throw new Error(classic.kind);
  const all = classic.series.histograms?.[0]?.[1].buckets ?? [];
  expect(all.length).toBe(300);
  expect(all.reduce((sum, [, , , count]) => sum + Number(count), 0)).toBe(5000);
});
