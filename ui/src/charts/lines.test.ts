import { expect, test } from "vitest";
import { type Area, draw } from "./lines";

function drawn(values: Array<number | null | undefined>, first = 0, last = values.length - 1): string {
  const area = {
    bbox: { left: 10, top: 20, width: 100, height: 200 },
    scales: { x: { min: 0, max: 100 }, y: { min: -1, max: 1 } },
    data: [values.map((_, at) => at * 10), values],
  } as unknown as Area;
  const steps: string[] = [];
  const pen = (word: string) => (x: number, y: number) => steps.push(`${word}${x},${y}`);
  draw({ moveTo: pen("M"), lineTo: pen("L") }, area, 1, first, last);
  return steps.join(" ");
}

test("values are pixels from the left and from the bottom", () => {
  expect(drawn([-1, 0, 1])).toBe("M10,220 L20,120 L30,20");
});

test("null parts the line, what is undefined does not", () => {
  expect(drawn([0, null, 0, undefined, 0])).toBe("M10,120 M30,120 L50,120");
  expect(drawn([null, null])).toBe("");
});

test("only what is in sight", () => expect(drawn([0, 0, 0, 0], 1, 2)).toBe("M20,120 L30,120"));

test("without a scale there is nothing to draw", () => {
  const area = { bbox: {}, scales: { x: {}, y: {} }, data: [[0], [1]] } as unknown as Area;
  const fail = () => expect.unreachable();
  draw({ moveTo: fail, lineTo: fail }, area, 1, 0, 0);
});
