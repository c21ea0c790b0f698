import { expect, test } from "vitest";
import { marksOf } from "./marks";

function series(name: string, all: ReadonlyArray<readonly [number, string]>) {
  const exemplars = all.map(([timestamp, value]) => ({
    timestamp,
    value,
    labels: { trace_id: `${name}${timestamp}` },
  }));
  return { seriesLabels: { __name__: name }, exemplars };
}

test("marks stand at their time, and at their value between the least and the greatest", () => {
  const { drawn, total, low, high } = marksOf(
    [
      series("b", [
        [150, "3"],
        [100, "1"],
      ]),
      series("a", [[200, "2"]]),
    ],
    { from: 100, to: 200 },
  );
  expect([total, low, high]).toEqual([3, 1, 3]);
  expect(drawn.map((mark) => [mark.labels.trace_id, mark.x])).toEqual([
    ["b100", 0],
    ["b150", 0.5],
    ["a200", 1],
  ]);
  expect(drawn[0]?.y).toBeCloseTo(0.04);
  expect(drawn[1]?.y).toBeCloseTo(0.96);
  expect(drawn[2]?.y).toBeCloseTo(0.5);
});

test("what has no place is left out", () => {
  const odd = series("a", [
    [99, "1"],
    [201, "1"],
    [Number.NaN, "1"],
    [150, "NaN"],
    [150, "+Inf"],
    [150, "7"],
  ]);
  const { drawn, total } = marksOf([odd], { from: 100, to: 200 });
  expect(total).toBe(1);
  expect(drawn.map((mark) => [mark.value, mark.y])).toEqual([[7, 0.5]]);
  expect(marksOf([], { from: 100, to: 200 })).toMatchObject({ drawn: [], total: 0 });
  expect(marksOf([series("a", [[100, "1"]])], { from: 100, to: 100 }).drawn[0]?.x).toBe(0);
  expect(
    marksOf(
      [
        series("a", [
          [100, "-1.7e308"],
          [120, "1.7e308"],
        ]),
      ],
      { from: 100, to: 200 },
    ).drawn.every((mark) => mark.y === 0.5),
  ).toBe(true);
});

test("of many, the newest of each place is drawn", () => {
  const many = Array.from({ length: 100_000 }, (_, index) => [index / 1000, String(index % 7)] as const);
  const { drawn, total } = marksOf([series("a", many)], { from: 0, to: 100 });
  expect(total).toBe(100_000);
  expect(drawn.length).toBeGreaterThan(100);
  expect(drawn.length).toBeLessThanOrEqual(240);
  expect(drawn.at(-1)?.time).toBeCloseTo(99.999);
  expect(drawn.every((mark, index) => index === 0 || (drawn[index - 1]?.time ?? 0) <= mark.time)).toBe(true);
});

test("where the values have a place of their own", () => {
  const heightOf = (value: number) => (value > 5 ? null : value / 10);
  const all = series("a", [
    [100, "2"],
    [150, "9"],
    [200, "5"],
  ]);
  const { drawn, total, high } = marksOf([all], { from: 100, to: 200, heightOf });
  expect(drawn.map((mark) => mark.y)).toEqual([0.2, 0.5]);
  expect([total, high]).toEqual([2, 5]);
});
