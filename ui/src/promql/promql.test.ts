import { expect, test } from "vitest";
import { selectorsIn, without } from "../pages/query/selectorsIn";
import { highlightPromql } from "./highlight";
import { fixed, foundIn } from "./problems";

test("where the server says that an expression is wrong, and what it proposes", () => {
  const query = 'sum(rte(x{job="ä"})) + rte(y)';
  const problem = { code: "promql-unknown-function", message: "unknown function", hint: "did you mean `rate`?" };
  // The letter takes two bytes.
  const [first, second] = foundIn(query, [
    { ...problem, start: 4, end: 7 },
    { ...problem, start: 24, end: 27 },
  ]);
  expect(first && query.slice(first.from, first.to)).toBe("rte");
  expect(second && fixed(query, second)).toBe('sum(rte(x{job="ä"})) + rate(y)');
  const [end] = foundIn("sum(", [{ code: "promql-syntax", message: "unexpected end", start: 4, end: 4 }]);
  expect(end).toMatchObject({ from: 3, to: 4, hint: null, instead: null });
  expect(foundIn("", [{ code: "promql-syntax", message: "no expression", start: 0, end: 0 }])).toHaveLength(1);
});

test("metrics of an expression", () => {
  const found = selectorsIn('sum(rate(a_total{x="y", n!~"a,}b"}[5m])) / b > 0 and {z="w"} or b');
  expect(found).toEqual([
    { text: 'a_total{x="y", n!~"a,}b"}', name: "a_total", matchers: ['x="y"', 'n!~"a,}b"'] },
    { text: "b", name: "b", matchers: [] },
    { text: '{z="w"}', name: "", matchers: ['z="w"'] },
  ]);
  const [first, , third] = found;
  expect(first && without(first, 0)).toBe('a_total{n!~"a,}b"}');
  expect(third && without(third, 0)).toBeNull();
  expect(selectorsIn("1 + (")).toEqual([]);
});

test("colours lose no letter", () => {
  for (const text of ['sum by (job) (rate(x{a=~"b"}[5m])) > 0.5 # c', "1 +\n\n2", "<script>alert(1)</script>", ""]) {
    const lines = highlightPromql(text).map((line) => line.map((piece) => piece.text).join(""));
    expect(lines.join("\n")).toBe(text);
  }
});
