import { expect, test } from "vitest";
import type { Histogram } from "../api/types.gen";
import { bandAt, bucketName, heatOf, heightAt, shade, shadeSteps } from "./heat";

type Buckets = NonNullable<Histogram["buckets"]>;

function series(all: ReadonlyArray<readonly [number, Buckets]>) {
  const histograms = all.map(([time, buckets]): [number, Histogram] => [time, { count: "1", sum: "1", buckets }]);
  return { metric: { a: "b" }, histograms };
}

const times = { from: 0, to: 20, step: 10 };

test("buckets over time as cells, with a row for each bucket", () => {
  const heat = heatOf(
    series([
      [0, [[0, "1", "2", "4"]]],
      [
        20,
        [
          [0, "1", "2", "1"],
          [0, "2", "4", "9"],
        ],
      ],
    ]),
    times,
  );
  expect(heat.edges).toEqual([1, 2, 4]);
  expect(heat.heights).toEqual([0, 0.5, 1]);
  expect(heat.columns).toEqual([
    { time: 0, cells: [{ low: 0, high: 1, count: 4 }] },
    { time: 10, cells: [] },
    {
      time: 20,
      cells: [
        { low: 0, high: 1, count: 1 },
        { low: 1, high: 2, count: 9 },
      ],
    },
  ]);
  expect(heat.max).toBe(9);
  expect(heat.peak).toEqual({ name: "(2, 4]", time: 20, count: 9 });
  expect(heat.buckets).toEqual([
    { name: "(2, 4]", lower: 2, upper: 4, last: 9, average: 4.5, max: 9 },
    { name: "(1, 2]", lower: 1, upper: 2, last: 1, average: 2.5, max: 4 },
  ]);
  expect([bandAt(heat, 0), bandAt(heat, 0.4), bandAt(heat, 0.6), bandAt(heat, 1)]).toEqual([0, 0, 1, 1]);
});

test("a coarser bucket fills the bands of finer ones", () => {
  const heat = heatOf(
    series([
      [0, [[0, "1", "4", "2"]]],
      [
        10,
        [
          [0, "1", "2", "1"],
          [0, "2", "4", "1"],
        ],
      ],
    ]),
    times,
  );
  expect(heat.columns[0]?.cells).toEqual([{ low: 0, high: 2, count: 2 }]);
  expect(heat.columns[1]?.cells.length).toBe(2);
});

test("a gap is as wide as the buckets that it could hold, within reason", () => {
  const heights = (buckets: Buckets) => heatOf(series([[0, buckets]]), times).heights;
  // Room for two buckets between 2 and 8.
  const near = heights([
    [0, "1", "2", "1"],
    [0, "8", "16", "1"],
  ]);
  expect(near.map((height) => Math.round(height * 4))).toEqual([0, 1, 3, 4]);
  const far = heights([
    [0, "1", "2", "1"],
    [0, "1e+300", "2e+300", "1"],
  ]);
  expect(far.map((height) => Math.round(height * 10))).toEqual([0, 1, 9, 10]);
  // Across zero, and without end, there is no such number.
  const odd = heights([
    [1, "-2", "-1", "1"],
    [3, "-1e-128", "1e-128", "1"],
    [0, "5", "+Inf", "1"],
  ]);
  expect(odd.map((height) => Math.round(height * 5))).toEqual([0, 1, 2, 3, 4, 5]);
});

test("values have a height within their band", () => {
  const heat = heatOf(
    series([
      [
        0,
        [
          [0, "1", "3", "1"],
          [0, "3", "+Inf", "1"],
        ],
      ],
    ]),
    times,
  );
  expect([1, 2, 3].map((value) => heightAt(heat, value))).toEqual([0, 0.25, 0.5]);
  expect(heightAt(heat, 100)).toBe(0.5);
  expect([heightAt(heat, 0.5), heightAt(heat, Number.NaN)]).toEqual([null, null]);
});

test("a bucket of zero alone is in the table", () => {
  const heat = heatOf(series([[0, [[3, "-0", "0", "5"]]]]), times);
  expect(heat.buckets.map((bucket) => [bucket.name, bucket.last])).toEqual([["[-0, 0]", 5]]);
  expect(heat.columns[0]?.cells).toEqual([]);
});

test("what cannot be drawn is left out, and many steps share a column", () => {
  const broken: Buckets = [
    [0, "2", "1", "5"],
    [0, "x", "1", "5"],
    [0, "1", "2", "NaN"],
    [0, "1", "2", "-3"],
    [0, "1", "2", "+Inf"],
  ];
  const empty = heatOf(series([[0, broken]]), times);
  expect([empty.max, empty.peak, empty.buckets]).toEqual([0, null, []]);
  expect(heatOf(series([]), times)).toMatchObject({ edges: [], heights: [], max: 0 });
  expect(heatOf({ metric: {}, histograms: null }, { from: 5, to: 5, step: 1 }).columns.length).toBe(1);

  // Every step with bounds of its own: as hostile as an answer can be.
  const many = Array.from({ length: 11_000 }, (_, index): [number, Buckets] => [
    index,
    [[0, String(index), String(index + 0.5), "2"]],
  ]);
  const heat = heatOf(series(many), { from: 0, to: 10_999, step: 1 });
  expect(heat.columns.length).toBeLessThanOrEqual(400);
  expect(heat.edges.length).toBeLessThanOrEqual(900);
  expect(heat.buckets.length).toBeLessThanOrEqual(1000);
  for (const { cells } of heat.columns) {
    for (const { low, high } of cells) {
      expect(low).toBeLessThan(high);
      expect(high).toBeLessThan(heat.edges.length);
    }
  }
  // Two of the same bucket in one column show their average.
  const steady = Array.from({ length: 800 }, (_, index): [number, Buckets] => [index, [[0, "1", "2", "6"]]]);
  expect(heatOf(series(steady), { from: 0, to: 799, step: 1 }).max).toBe(6);
});

test("names and shades", () => {
  expect([0, 1, 2, 3].map((rule) => bucketName(rule, "1", "2"))).toEqual(["(1, 2]", "[1, 2)", "(1, 2)", "[1, 2]"]);
  expect(shadeSteps(16)).toEqual([1, 4, 9, 16]);
  expect(shadeSteps(16).map((count) => shade(count, 16))).toEqual([0.25, 0.5, 0.75, 1]);
  expect(shade(1, 0)).toBe(0);
});
