// Numbers and times as text.

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
export function formatInstant(ms: number, zone: "local" | "utc"): string {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return "–";
  if (zone === "utc") return `${date.toISOString().slice(0, 19).replace("T", " ")}Z`;
  const two = (part: number) => String(part).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
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
