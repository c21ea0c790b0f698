import { expect, test } from "vitest";
import type { ExplainedNode } from "../../api/types.gen";
import { costOf, rowsOf, slice } from "./explained";

const cost = { series: 2, samples: 20, bytes: 200 };
const query = 'sum(rate(ä{a="ö"}[5m]))';
const bytes = (text: string) => new TextEncoder().encode(text).length;

function node(expression: string, seconds: number | null, children: ExplainedNode[] = []): ExplainedNode {
  const start = bytes(query.slice(0, query.indexOf(expression)));
  const measured = seconds === null ? null : { ...cost, samples: 10, seconds };
  const span = { start, end: start + bytes(expression) };
  return { op: "x", detail: "", span, estimated: cost, measured, children };
}

test("parts of queries with letters of many bytes", () => {
  const inner = 'rate(ä{a="ö"}[5m])';
  const rows = rowsOf(node(query, 3, [node(inner, 2)]), query);
  expect(rows.map((row) => [row.depth, row.expression, row.ownSeconds])).toEqual([
    [0, query, 1],
    [1, inner, 2],
  ]);
  expect(slice(query, 0, 10_000)).toBe(query);
});

test("measured before estimated", () => {
  const [measured] = rowsOf(node(query, 1), query);
  const [estimated] = rowsOf(node(query, null), query);
  if (!measured || !estimated) throw new Error("no rows");
  expect([costOf(measured, "samples"), costOf(estimated, "samples")]).toEqual([10, 20]);
  expect([costOf(measured, "seconds"), costOf(estimated, "seconds")]).toEqual([1, null]);
});

test("a tree without end is cut", () => {
  let tree = node(query, null);
  for (let depth = 0; depth < 2000; depth += 1) tree = node(query, null, [tree]);
  expect(rowsOf(tree, query).length).toBe(500);
});
