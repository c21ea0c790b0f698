// Zones of time: the browser's, UTC, or one by its name. Times are written and read in the zone that was chosen.

/** `local`, `utc`, or a name such as `Europe/Berlin`. */
export type Zone = string;

const parts = new Map<string, Intl.DateTimeFormat | null>();

/** Null for a name that the browser does not know. */
function partsOf(zone: string): Intl.DateTimeFormat | null {
  const known = parts.get(zone);
  if (known !== undefined) return known;
  let made: Intl.DateTimeFormat | null;
  try {
    made = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
  } catch {
    made = null;
  }
  parts.set(zone, made);
  return made;
}

/** What its clocks are ahead of UTC at a moment. */
export function offsetMs(ms: number, zone: Zone): number {
  if (zone === "utc") return 0;
  const format = zone === "local" ? null : partsOf(zone);
  if (format === null) return -new Date(ms).getTimezoneOffset() * 60_000;
  const found: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(ms)) found[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = found;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(ms / 1000) * 1000;
}

/** `2026-08-21 10:00:00`; empty for what is no time. */
export function formatIn(ms: number, zone: Zone): string {
  if (Number.isNaN(new Date(ms).getTime())) return "";
  const shown = new Date(ms + offsetMs(ms, zone));
  return Number.isNaN(shown.getTime()) ? "" : shown.toISOString().slice(0, 19).replace("T", " ");
}

/** The same, read: also without seconds or time, with `T`, with `Z` for UTC, or as seconds since 1970. */
export function parseIn(text: string, zone: Zone): number | null {
  const typed = text.trim();
  if (/^\d{9,}(\.\d+)?$/.test(typed)) return Number(typed) * 1000;
  const isUtc = /Z$/i.test(typed);
  const [, day, time = "00:00"] =
    /^(\d{4}-\d\d-\d\d)(?:[ T]+(\d\d?:\d\d(?::\d\d(?:\.\d+)?)?))?$/i.exec(typed.replace(/Z$/i, "")) ?? [];
  if (day === undefined) return null;
  const asUtc = Date.parse(`${day}T${time.padStart(time.indexOf(":") === 1 ? time.length + 1 : 0, "0")}Z`);
  if (Number.isNaN(asUtc)) return null;
  if (isUtc || zone === "utc") return asUtc;
  // Where clocks are changed the offset after is another than that before; the second look settles it.
  const near = asUtc - offsetMs(asUtc, zone);
  return asUtc - offsetMs(near, zone);
}

/** `UTC`, `UTC+2`, `UTC−3:30`: short enough to stand beside a field. */
export function zoneWord(zone: Zone, ms: number): string {
  const minutes = Math.round(offsetMs(ms, zone) / 60_000);
  if (minutes === 0) return "UTC";
  const rest = Math.abs(minutes) % 60;
  return `UTC${minutes < 0 ? "−" : "+"}${Math.floor(Math.abs(minutes) / 60)}${rest === 0 ? "" : `:${String(rest).padStart(2, "0")}`}`;
}

/** Names that the browser knows; none where it cannot tell. */
export function zoneNames(): readonly string[] {
  return typeof Intl.supportedValuesOf === "function" ? Intl.supportedValuesOf("timeZone") : [];
}
