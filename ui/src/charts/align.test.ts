import { expect, test } from "vitest";
import { align, common, spanOf, stack, summarize } from "./align";

test("points stand on the grid, and what is no number is a gap", () => {
  const series = [
    {
      metric: { a: "1" },
      values: [
        [10, "1"],
        [30, "3"],
      ] as Array<[number, string]>,
    },
    {
      metric: { a: "2" },
      values: [
        [10, "NaN"],
        [20, "+Inf"],
        [30, "5"],
      ] as Array<[number, string]>,
    },
    { metric: { a: "3" }, values: null },
  ];
  const grid = align(series, 10, 30, 10);
  expect(grid.times).toEqual([10, 20, 30]);
  expect(grid.lines.map((line) => line.values)).toEqual([
    [1, null, 3],
    [null, null, 5],
    [null, null, null],
  ]);
  expect(grid.hasGapsForNaN).toBe(true);
});

test("steps that are no whole seconds", () => {
  const grid = align([{ metric: {}, values: [[0.3, "7"]] }], 0, 0.9, 0.1);
  expect(grid.times.length).toBe(10);
  expect(grid.lines[0]?.values[3]).toBe(7);
});

test("lines on top of each other", () => {
  const line = (values: Array<number | null>) => ({ labels: {}, values });
  expect(stack([line([1, null, 2]), line([1, 5, null]), line([1, 1, 1])])).toEqual([
    [1, null, 2],
    [2, 5, null],
    [3, 6, 3],
  ]);
});

test("figures of a line", () => {
  expect(summarize([null, 1, 5, null])).toEqual({ last: 5, min: 1, max: 5, average: 3 });
  expect(summarize([1.5e308, 1.5e308, null]).average).toBe(1.5e308);
  expect(summarize([null])).toEqual({ last: null, min: null, max: null, average: null });
});

test("labels in common", () => {
  expect(
    common([
      { a: "1", b: "2" },
      { a: "1", b: "3" },
    ]),
  ).toEqual({ a: "1" });
  expect(common([{ a: "1" }])).toEqual({});
});

test("a line that is flat but for rounding has an axis that can be read", () => {
  const [low, high] = spanOf(1.5874010519681994, 1.5874010519681996, false);
  expect(high - low).toBeGreaterThan(0.1);
  expect(spanOf(5, 5, false)).toEqual([4.7, 5.3]);
  expect(spanOf(0, 0, false)).toEqual([0, 0.06]);
  expect(spanOf(10, 20, false)).toEqual([9.4, 20.6]);
  expect(spanOf(10, 20, true)).toEqual([0, 21.2]);
  expect(spanOf(null, null, false)).toEqual([0, 1]);
  expect(spanOf(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, false)).toEqual([0, 1]);
});
