import { expect, test } from "vitest";
import { metricsIn } from "../pages/query/metricsIn";
import { highlightPromql } from "./highlight";
import { findMistake } from "./mistake";

test("where the server says that an expression is wrong", () => {
  expect(findMistake('invalid parameter "query": 1:4: parse error: unexpected end', "sum(")).toEqual({
    at: 3,
    message: "parse error: unexpected end",
  });
  expect(findMistake("2:1: parse error: x", "a\n+")?.at).toBe(2);
  expect(findMistake("9:1: parse error: x", "a")).toBeNull();
  expect(findMistake("query timed out", "a")).toBeNull();
});

test("metrics of an expression", () => {
  expect(metricsIn('sum(rate(a_total{x="y"}[5m])) / b > 0 and {z="w"}')).toEqual(["a_total", "b"]);
  expect(metricsIn("1 + (")).toEqual([]);
});

test("colours lose no letter", () => {
  for (const text of ['sum by (job) (rate(x{a=~"b"}[5m])) > 0.5 # c', "1 +\n\n2", "<script>alert(1)</script>", ""]) {
    const lines = highlightPromql(text).map((line) => line.map((piece) => piece.text).join(""));
    expect(lines.join("\n")).toBe(text);
  }
});
