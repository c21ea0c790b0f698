import { describe, expect, test } from "vitest";
import { grouped } from "./DataTable";
import { diffLines } from "./diff";
import { formatDuration, parseDuration, shortDuration } from "./duration";
import { csvCell, toCsv } from "./exports";
import {
  formatBytes,
  formatCount,
  formatInstant,
  formatMetric,
  formatNumber,
  parseInstant,
  parseValue,
  shortKey,
} from "./format";
import { facetOf, splitTerms, withFacet } from "./terms";

test.each([
  ["1h30m", 5_400_000],
  ["15d", 1_296_000_000],
  ["250ms", 250],
  ["0s", 0],
])("duration %s", (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
  expect(formatDuration(ms)).toBe(text);
});

test.each(["", "1", "1x", "1m1h", "-1s", "1.5h", `${"9".repeat(30)}y`])("no duration: %s", (text) => {
  expect(parseDuration(text)).toBeNull();
});

test.each([
  [0, "0 ms"],
  [950, "950 ms"],
  [1000, "1 s"],
  [9_400, "9.4 s"],
  [61_000, "1 m"],
  [5_400_000, "1 h 30 m"],
  [90 * 3_600_000, "3 d 18 h"],
  [Number.NaN, "–"],
])("short duration %d", (ms, text) => expect(shortDuration(ms)).toBe(text));

test.each([
  [0, "0"],
  [1234, "1234"],
  [12_345, "12.35 k"],
  [1.5e6, "1.5 M"],
  [0.25, "0.25"],
  [1e-7, "1.000e-7"],
  [-3.5e9, "-3.5 G"],
  [1e300, "1.000e+300"],
  [Number.NaN, "NaN"],
  [Number.NEGATIVE_INFINITY, "-Inf"],
])("number %d", (value, text) => expect(formatNumber(value)).toBe(text));

test("other figures", () => {
  expect(formatCount(1_234_567)).toBe("1\u202f234\u202f567");
  expect(formatBytes(0)).toBe("0 B");
  expect(formatBytes(5 * 1024 * 1024)).toBe("5.0 MiB");
  expect(parseValue("+Inf")).toBe(Number.POSITIVE_INFINITY);
  expect(parseValue("NaN")).toBeNaN();
  expect(formatInstant(Date.UTC(2026, 7, 21, 22, 5, 9), "utc")).toBe("2026-08-21 22:05:09Z");
  expect(formatInstant(Number.NaN, "utc")).toBe("–");
  expect(parseInstant("0001-01-01T00:00:00Z")).toBeNull();
  expect(parseInstant("rubbish")).toBeNull();
  expect(formatMetric({ __name__: "up", a: 'x"\n' })).toBe('up{a="x\\"\\n"}');
});

describe("terms of a filter", () => {
  test.each([
    ['a  b="c d" @state:firing', ["a", 'b="c d"', "@state:firing"]],
    ['{a="b", c="d"} e', ['{a="b", c="d"}', "e"]],
    ['a="x\\" y" z', ['a="x\\" y"', "z"]],
    ['a="open b', ['a="open b']],
    ["", []],
  ])("%s", (filter, terms) => expect(splitTerms(filter)).toEqual(terms));

  test("facets are set and taken away", () => {
    expect(withFacet("a @state:firing b", "state", ["pending", "muted"])).toBe("a b @state:pending,muted");
    expect(withFacet("a @pool:x", "pool", ["y z"])).toBe('a @pool:"y z"');
    expect(withFacet("a @state:firing", "state", [])).toBe("a");
    expect(facetOf('x @pool:"y z"', "pool")).toEqual(["y z"]);
    expect(facetOf("x", "pool")).toEqual([]);
  });
});

describe("difference of texts", () => {
  const check = (before: string, after: string) => {
    const lines = diffLines(before, after);
    const side = (gone: "old" | "new") =>
      lines
        .filter((line) => line.kind !== gone)
        .map((line) => line.text)
        .join("\n");
    expect(side("new")).toBe(before);
    expect(side("old")).toBe(after);
    return lines.filter((line) => line.kind !== "same").length;
  };
  test("is the shortest", () => {
    expect(check("a\nb\nc", "a\nb\nc")).toBe(0);
    expect(check("a\nb\nc", "a\nx\nc")).toBe(2);
    expect(check("a\nb\nc\nd", "b\nc\nd\ne")).toBe(2);
    expect(check("", "a\nb")).toBe(3);
    expect(check("a\nb\na\nb\nc", "b\na\nb\na\nc")).toBe(2);
  });
  test("comes to an end with texts that have nothing in common", () => {
    const text = (word: string) => Array.from({ length: 5000 }, (_, index) => `${word}${index}`).join("\n");
    check(text("a"), text("b"));
  });
});

test("cells are no formulas and keep their commas", () => {
  expect(csvCell("=1+1")).toBe("'=1+1");
  expect(csvCell("-1.5")).toBe("-1.5");
  expect(csvCell('a,"b"')).toBe('"a,""b"""');
  const columns = [
    { key: "a", title: "A", render: () => null, text: (row: string) => row },
    { key: "b", title: "B", render: () => null },
  ];
  expect(toCsv(columns, ["x", "@y"])).toBe("A\r\nx\r\n'@y\r\n");
});

test("rows of a group stand together, whatever their order", () => {
  const rows = ["a1", "b1", "a2", "c1", "b2"];
  const groups = grouped(rows, (row) => ({ key: row.slice(0, 1), name: row, head: row }));
  expect(groups.map(({ group, rows }) => [group?.key, ...rows].join(" "))).toEqual(["a a1 a2", "b b1 b2", "c c1"]);
});

test("keys of long texts are short and differ", () => {
  const long = "x".repeat(5000);
  expect(shortKey("short")).toBe("short");
  expect(shortKey(`${long}a`)).not.toBe(shortKey(`${long}b`));
  expect(shortKey(long).length).toBeLessThan(450);
});
