import { expect, test } from "vitest";
import { formatIn, parseIn, zoneWord } from "./zone";

const winter = Date.UTC(2026, 0, 15, 12, 0, 0);
const summer = Date.UTC(2026, 6, 15, 12, 0, 0);

test("times are written in the zone, by its clock of that day", () => {
  expect(formatIn(winter, "utc")).toBe("2026-01-15 12:00:00");
  expect(formatIn(winter, "Europe/Berlin")).toBe("2026-01-15 13:00:00");
  expect(formatIn(summer, "Europe/Berlin")).toBe("2026-07-15 14:00:00");
  expect(formatIn(winter, "Asia/Kolkata")).toBe("2026-01-15 17:30:00");
  expect(formatIn(winter, "America/St_Johns")).toBe("2026-01-15 08:30:00");
  expect(formatIn(Number.NaN, "utc")).toBe("");
  expect(formatIn(9e15, "Europe/Berlin")).toBe("");
});

test("what is written is read back, also where clocks change", () => {
  // 2026-03-29 01:00 UTC: 02:00 becomes 03:00 in Berlin. 2026-10-25 01:00 UTC: 03:00 becomes 02:00.
  for (const around of [winter, summer, Date.UTC(2026, 2, 29, 1), Date.UTC(2026, 9, 25, 1)])
    for (const zone of ["utc", "local", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns"])
      for (const hours of [-2, 2, 3]) {
        const ms = around + hours * 3_600_000;
        expect(parseIn(formatIn(ms, zone), zone), `${zone} ${new Date(ms).toISOString()}`).toBe(ms);
      }
});

test("what people type", () => {
  expect(parseIn("2026-01-15T13:00", "Europe/Berlin")).toBe(winter);
  expect(parseIn("2026-01-15 12:00:00Z", "Europe/Berlin")).toBe(winter);
  expect(parseIn(" 2026-01-15 ", "utc")).toBe(Date.UTC(2026, 0, 15));
  expect(parseIn("2026-01-15 9:05", "utc")).toBe(Date.UTC(2026, 0, 15, 9, 5));
  expect(parseIn(String(winter / 1000), "Europe/Berlin")).toBe(winter);
  for (const wrong of ["", "soon", "2026-13-45", "2026-01-15 25:00", "12:00"]) expect(parseIn(wrong, "utc")).toBeNull();
});

test("zones have a word", () => {
  expect(zoneWord("utc", winter)).toBe("UTC");
  expect(zoneWord("Europe/Berlin", summer)).toBe("UTC+2");
  expect(zoneWord("America/St_Johns", winter)).toBe("UTC−3:30");
  // A name that the browser does not know is as good as none.
  expect(zoneWord("Nowhere/Else", winter)).toBe(zoneWord("local", winter));
});
