import { expect, test } from "vitest";
import type { ExplainedNode } from "../../api/types.gen";
import { comparedOf, seriesOf } from "./threshold";

const node = (
  op: string,
  detail: string,
  start: number,
  end: number,
  children: ExplainedNode[] = [],
): ExplainedNode => ({
  op,
  detail,
  span: { start, end },
  estimated: { series: 0, samples: 0, bytes: 0 },
  children,
});

test("a comparison with a number is a value and a threshold", () => {
  const query = 'up{job="ä"} == 0';
  // The letter takes two bytes.
  const root = node("operator", "==", 0, 17, [node("selector", "", 0, 12), node("number", "0", 16, 17)]);
  expect(comparedOf(root, query)).toEqual({ expression: 'up{job="ä"}', threshold: 0, operator: "==" });
  const turned = node("operator", "<", 0, 8, [node("number", "0.05", 0, 4), node("selector", "", 7, 8)]);
  expect(comparedOf(turned, "0.05 < x")).toEqual({ expression: "x", threshold: 0.05, operator: ">" });
});

test("anything else is a value alone", () => {
  const query = "a > b";
  const root = node("operator", ">", 0, 5, [node("selector", "a", 0, 1), node("selector", "b", 4, 5)]);
  expect(comparedOf(root, query)).toEqual({ expression: query, threshold: null, operator: "" });
  const sum = node("operator", "+", 0, 5, [node("selector", "a", 0, 1), node("number", "1", 4, 5)]);
  expect(comparedOf(sum, "a + 1").threshold).toBeNull();
});

test("of many series those of the alert are shown", () => {
  const series = [
    { metric: { __name__: "up", job: "a", namespace: "own" } },
    { metric: { __name__: "up", job: "b", namespace: "own" } },
  ];
  const labels = { alertname: "Down", job: "b", namespace: "of the rule" };
  expect(seriesOf(series, labels)).toEqual([series[1]]);
  expect(seriesOf([], labels)).toEqual([]);
});
