import { expect, test } from "vitest";
import { place, readRange, ticks } from "./range";

const hour = 3_600_000;
const now = Date.UTC(2026, 7, 21, 12, 0, 7);

test("ranges of addresses", () => {
  expect(readRange("", "", 6 * hour, now)).toEqual({ fromMs: now - 7000 - 6 * hour, toMs: null, lengthMs: 6 * hour });
  expect(readRange("-1h", "", 6 * hour, now).lengthMs).toBe(hour);
  expect(readRange("2026-08-21 10:00:00", "2026-08-21 11:00:00", hour, now)).toEqual({
    fromMs: Date.UTC(2026, 7, 21, 10),
    toMs: Date.UTC(2026, 7, 21, 11),
    lengthMs: null,
  });
  // What cannot be read, or ends before it begins, gives something that works.
  for (const [from, to] of [
    ["soon", "later"],
    ["-x", ""],
    ["2030-01-01 00:00:00", ""],
    ["2026-08-21 11:00:00", "2026-08-21 10:00:00"],
  ] as const) {
    const range = readRange(from, to, hour, now);
    expect(range.fromMs).toBeLessThan(range.toMs ?? now);
  }
});

test("places", () => {
  const range = { fromMs: 0, toMs: 200 };
  expect(place(range, 50, 100)).toEqual({ left: 25, width: 25 });
  expect(place(range, -100, 1000)).toEqual({ left: 0, width: 100 });
  expect(place(range, 300, 400)).toBeNull();
  expect(place({ fromMs: 5, toMs: 5 }, 5, 5)).toBeNull();
});

test("ticks are few and on whole steps", () => {
  for (const length of [60_000, hour, 6 * hour, 24 * hour, 40 * 24 * hour, 4000 * 24 * hour]) {
    const found = ticks({ fromMs: now - length, toMs: now }, 6, 2 * hour);
    expect(found.length).toBeGreaterThan(0);
    expect(found.length).toBeLessThanOrEqual(7);
  }
  expect(ticks({ fromMs: now - 6 * hour, toMs: now }, 6, 0)[0]).toBe(Date.UTC(2026, 7, 21, 7));
  expect(ticks({ fromMs: 1, toMs: 1 }, 6, 0)).toEqual([]);
});
