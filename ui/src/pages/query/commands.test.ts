import { expect, test } from "vitest";
import { emptyPanel, type Panel } from "../../url/panels";
import { commandOf, curlOf, ruleFile } from "./commands";

const nowMs = Date.UTC(2026, 7, 21, 10);
const table: Panel = { ...emptyPanel, expression: `up{job="it's"} > 0` };
const graph: Panel = { ...table, tab: "graph", endMs: nowMs, resolution: { type: "fixed", seconds: 0.5 } };

test("curl asks what the panel shows", () => {
  expect(curlOf(table, "http://h:1/p", nowMs)).toBe(
    `curl http://h:1/p/api/v1/query --data-urlencode 'query=up{job="it'\\''s"} > 0'`,
  );
  expect(curlOf({ ...table, endMs: nowMs }, "http://h", nowMs)).toContain("--data-urlencode time=1787306400");
  expect(curlOf(graph, "http://h", nowMs)).toMatch(
    /query_range .* --data-urlencode start=1787302800 --data-urlencode end=1787306400 --data-urlencode step=0.5$/,
  );
});

test("the command line asks the same", () => {
  expect(commandOf(table, "http://h", nowMs)).toBe(
    `keepwatch query instant --url http://h -- 'up{job="it'\\''s"} > 0'`,
  );
  expect(commandOf(graph, "http://h", nowMs)).toContain(
    "query range --url http://h --start 1787302800 --end 1787306400 --step 500ms -- ",
  );
  expect(commandOf({ ...table, tab: "cost" }, "http://h", nowMs)).toContain("query explain");
});

test("a rule file holds the expression as it is", () => {
  expect(ruleFile({ kind: "alert", name: "Down", expression: "up == 0\nor\nabsent(up)", holdMs: 300_000 })).toBe(
    `groups:
- name: "Down"
  rules:
  - alert: "Down"
    expr: |-
      up == 0
      or
      absent(up)
    for: 5m
    labels:
      severity: warning
    annotations:
      summary: "Down: {{ $value }}"
`,
  );
  expect(ruleFile({ kind: "record", name: 'a"b', expression: "  x\n  + y", holdMs: 0 })).toBe(
    'groups:\n- name: "a\\"b"\n  rules:\n  - record: "a\\"b"\n    expr: "x\\n  + y"\n',
  );
});
