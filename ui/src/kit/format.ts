// Numbers and times as text.
import { formatIn, type Zone } from "./zone";

const binary = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const decimal: ReadonlyArray<readonly [number, string]> = [
  [1e12, " T"],
  [1e9, " G"],
  [1e6, " M"],
  [1e3, " k"],
];

/** At most about six digits: `1.23 M`, `0.000012`, `NaN`, `+Inf`. */
export function formatNumber(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  const size = Math.abs(value);
  if (size >= 1e15 || (size !== 0 && size < 1e-5)) return value.toExponential(3);
  for (const [unit, name] of decimal) {
    if (size >= unit * 10 || (unit > 1e3 && size >= unit)) return `${trim((value / unit).toPrecision(4))}${name}`;
  }
  return Number.isInteger(value) ? String(value) : trim(value.toPrecision(5));
}

function trim(text: string): string {
  return text.includes(".") && !text.includes("e") ? text.replace(/\.?0+$/, "") : text;
}

const keyMax = 400;

/** Short enough for an address, and another one for another text, however alike their beginnings are. */
export function shortKey(text: string): string {
  if (text.length <= keyMax) return text;
  let hash = 0;
  for (let index = 0; index < text.length; index += 1) hash = (Math.imul(hash, 31) + text.charCodeAt(index)) | 0;
  return `${text.slice(0, keyMax)} ${text.length} ${(hash >>> 0).toString(36)}`;
}

/** Whole numbers with thin spaces between thousands. */
export function formatCount(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f");
}

export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 1024 && unit < binary.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${binary[unit]}`;
}

/** A float as the API writes it. */
export function parseValue(text: string): number {
  if (text === "+Inf" || text === "Inf") return Number.POSITIVE_INFINITY;
  if (text === "-Inf") return Number.NEGATIVE_INFINITY;
  return Number(text);
}

/** `2026-08-21 10:00:00`, 24 hours, in the zone that was chosen. */
export function formatInstant(ms: number, zone: Zone): string {
  const written = formatIn(ms, zone);
  return written === "" ? "–" : zone === "utc" ? `${written}Z` : written;
}

/** RFC 3339 to milliseconds; null for what never was: Go's zero time. */
export function parseInstant(text: string | null | undefined): number | null {
  if (!text || text.startsWith("0001-")) return null;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : ms;
}

/** A selector or label set: `{a="b", c="d"}`, with the metric's name before it. */
export function formatMetric(labels: Record<string, string>): string {
  const { __name__: name, ...rest } = labels;
  const pairs = Object.entries(rest).map(([label, value]) => `${label}=${quote(value)}`);
  return pairs.length === 0 && name ? name : `${name ?? ""}{${pairs.join(", ")}}`;
}

export function quote(text: string): string {
  return `"${text.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n")}"`;
}
