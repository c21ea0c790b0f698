import { expect, test } from "vitest";
import { isAcknowledgement } from "./acknowledged";
import { addCommand, expireCommand, shellWord, updateCommand } from "./commands";
import { matcherOf, ops, rowOf, rowsFor, rowsText } from "./matchers";
import { defaultSpan, fromField, momentsOf, problemOf, spanOf, toField } from "./span";
import { stoppedText } from "./stopped";

test("operators survive both ways", () => {
  for (const op of ops) expect(rowOf(matcherOf({ name: "a", op, value: "b" })).op).toBe(op);
  expect(matcherOf({ name: "a", op: "!~", value: "b" })).toEqual({
    name: "a",
    value: "b",
    isRegex: true,
    isEqual: false,
  });
});

test("rows as text", () => {
  expect(
    rowsText([
      { name: "job", op: "=~", value: 'a"|\\d\n' },
      { name: "", op: "=", value: "not there yet" },
      { name: "sp ace", op: "!=", value: "" },
    ]),
  ).toBe('{job=~"a\\"|\\\\d\\n", "sp ace"!=""}');
  expect(rowsText([])).toBe("{}");
});

test("rows for alerts match all of them and say as much as they can", () => {
  expect(rowsFor([{ alertname: "Disk", pod: "a.1" }])).toEqual([
    { name: "alertname", op: "=", value: "Disk" },
    { name: "pod", op: "=", value: "a.1" },
  ]);
  expect(
    rowsFor([
      { alertname: "Disk", pod: "a.1", zone: "x" },
      { alertname: "Disk", pod: "b|2" },
      { alertname: "Disk", pod: "a.1", zone: "y" },
    ]),
  ).toEqual([
    { name: "alertname", op: "=", value: "Disk" },
    { name: "pod", op: "=~", value: "a\\.1|b\\|2" },
  ]);
  const many = Array.from({ length: 60 }, (_, index) => ({ alertname: "Disk", pod: `pod-${index}` }));
  expect(rowsFor(many)).toEqual([{ name: "alertname", op: "=", value: "Disk" }]);
  expect(rowsFor([])).toEqual([]);
  expect(rowsFor([{ a: "x" }, { b: "x" }])).toEqual([]);
});

test("spans", () => {
  expect(momentsOf(defaultSpan, 1000)).toEqual({ startMs: 1000, endMs: 7_201_000 });
  expect(momentsOf({ startMs: 5000, lengthMs: 60_000, endMs: null }, 1000)).toEqual({ startMs: 5000, endMs: 65_000 });
  expect(problemOf({ startMs: 5000, lengthMs: null, endMs: 5000 }, 0)).toBe("ends-before-start");
  expect(problemOf({ startMs: 1000, lengthMs: null, endMs: 5000 }, 6000)).toBe("ends-in-past");
  expect(problemOf(defaultSpan, 0)).toBeNull();
  expect(spanOf({ startsAt: "2026-08-21T10:00:00Z", endsAt: "2026-08-21T11:00:00.000Z" })).toEqual({
    startMs: Date.UTC(2026, 7, 21, 10),
    lengthMs: null,
    endMs: Date.UTC(2026, 7, 21, 11),
  });
});

test("fields of the calendar in both zones", () => {
  const ms = Date.UTC(2026, 7, 21, 10, 30);
  expect(toField(ms, "utc")).toBe("2026-08-21T10:30:00");
  for (const zone of ["utc", "local"] as const) expect(fromField(toField(ms, zone), zone)).toBe(ms);
  expect(fromField("", "utc")).toBeNull();
  expect(fromField("soon", "utc")).toBeNull();
  expect(toField(null, "utc")).toBe("");
});

test("commands are safe to paste", () => {
  expect(shellWord("it's $(rm)")).toBe("'it'\\''s $(rm)'");
  const said = {
    rows: [{ name: "alertname", op: "=", value: "Disk full" } as const],
    span: defaultSpan,
    createdBy: "me",
    comment: "why not",
  };
  expect(addCommand("http://host:9090", said)).toBe(
    `keepwatch silence add --url=http://host:9090 -a me -c 'why not' -d 2h 'alertname="Disk full"'`,
  );
  const until = { startMs: 0, lengthMs: null, endMs: 3_600_000 };
  expect(updateCommand("http://h", ["x", "y"], until)).toBe(
    "keepwatch silence update --url=http://h --start=1970-01-01T00:00:00Z --end=1970-01-01T01:00:00Z x y",
  );
  expect(expireCommand("http://h", ["x", "y"])).toBe("keepwatch silence expire --url=http://h x y");
});

test.each([
  [{ acknowledged: "true" }, "", true],
  [{ acknowledged: "false" }, "acknowledged", false],
  [{}, "OPS-1, acknowledged=true", true],
  [{}, "not acknowledged=trueish", false],
])("acknowledgement: %j %s", (annotations, comment, is) => {
  expect(isAcknowledgement({ annotations, comment } as { annotations: Record<string, string>; comment: string })).toBe(
    is,
  );
});

test.each([
  [{ stopped: 0, stoppedIsLeast: false }, "0"],
  [{ stopped: 10_000, stoppedIsLeast: true }, "10\u202f000+"],
])("stopped: %j", (row, shown) => expect(stoppedText(row)).toBe(shown));
