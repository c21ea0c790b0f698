import { expect, test } from "vitest";
import { emptyPanel, formatTime, type Panel, parseTime, readPanels, stepOf, writePanels } from "./panels";

const full: Panel = {
  expression: 'sum by (job) (rate(x{a=~"b&c|%"}[5m]))\n+ 1',
  tab: "graph",
  rangeMs: 5_400_000,
  endMs: Date.UTC(2026, 7, 21, 10, 0, 0),
  resolution: { type: "fixed", seconds: 0.5 },
  display: "stacked",
  startsAtZero: true,
  showsExemplars: true,
  hidden: ['up{job="a"}', 'up{job="b"}'],
  hasLegend: false,
  showsTree: true,
};

test("panels survive the address", () => {
  for (const panels of [
    [full],
    [emptyPanel],
    [emptyPanel, full, { ...full, resolution: { type: "auto", density: "high" } as const }],
  ]) {
    const text = writePanels(panels).toString();
    expect(readPanels(new URLSearchParams(text))).toEqual(panels);
  }
});

test("old links without a tab", () => {
  const read = (query: string) => readPanels(new URLSearchParams(query))[0];
  // As in Prometheus, whatever else they hold.
  expect(read("g0.expr=up&g0.range_input=1h")?.tab).toBe("table");
  expect(read("g0.expr=up")?.tab).toBe("table");
  expect(read("g0.expr=up&g0.range_input=1h&g0.step_input=14")?.resolution).toEqual({ type: "fixed", seconds: 14 });
  expect(read("g0.expr=up&g0.range_input=1h&g0.step_input=1m")?.resolution).toEqual({ type: "fixed", seconds: 60 });
});

test("graph and table have one time, whichever the link names", () => {
  const end = (query: string) => readPanels(new URLSearchParams(query))[0]?.endMs;
  const at = Date.UTC(2026, 7, 21, 10);
  expect(end("g0.expr=up&g0.tab=1&g0.end_input=2026-08-21%2010:00:00")).toBe(at);
  expect(end("g0.expr=up&g0.tab=0&g0.moment_input=2026-08-21%2010:00:00")).toBe(at);
  expect(end("g0.expr=up&g0.end_input=2020-01-01%2000:00&g0.moment_input=2026-08-21%2010:00:00")).toBe(at);
  expect(end("g0.expr=up&g0.end_input=2026-08-21%2010:00&g0.moment_input=")).toBe(at);
  expect(end("g0.expr=up")).toBeNull();
});

test("broken links give something that works", () => {
  for (const query of [
    "g0.range_input=x&g0.end_input=never&g0.tab=9&g0.res_type=fixed&g0.res_step=-1",
    "g9999.expr=a&g-1.expr=b&g.expr=c",
    `${Array.from({ length: 200 }, (_, index) => `g${index}.expr=a`).join("&")}`,
  ]) {
    const panels = readPanels(new URLSearchParams(query));
    expect(panels.length).toBeGreaterThan(0);
    expect(panels.length).toBeLessThanOrEqual(50);
    for (const panel of panels) expect(stepOf(panel)).toBeGreaterThan(0);
  }
});

test("gaps in the numbers close", () => {
  expect(readPanels(new URLSearchParams("g7.expr=b&g2.expr=a")).map((panel) => panel.expression)).toEqual(["a", "b"]);
});

test("times", () => {
  expect(formatTime(parseTime("2026-08-21 10:00:00") ?? 0)).toBe("2026-08-21 10:00:00");
  expect(parseTime("1787306400")).toBe(1_787_306_400_000);
  expect(parseTime("soon")).toBeNull();
});

test("no range asks for more points than the server gives", () => {
  for (const rangeMs of [1000, 3_600_000, 30 * 86_400_000, 20 * 365 * 86_400_000]) {
    for (const resolution of [{ type: "fixed", seconds: 0.001 } as const, { type: "auto", density: "high" } as const]) {
      expect(rangeMs / 1000 / stepOf({ ...emptyPanel, rangeMs, resolution })).toBeLessThanOrEqual(11_000);
    }
  }
});
