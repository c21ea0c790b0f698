// Durations as Prometheus writes them, in milliseconds.

const units: ReadonlyArray<readonly [string, number]> = [
  ["y", 365 * 86_400_000],
  ["w", 7 * 86_400_000],
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
];

/** `1h30m`; null for anything else. */
export function parseDuration(text: string): number | null {
  if (text === "0") return 0;
  const parts = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/.exec(text);
  if (!parts || text === "") return null;
  const total = units.reduce((sum, [, size], index) => sum + Number(parts[index + 1] ?? 0) * size, 0);
  return Number.isSafeInteger(total) ? total : null;
}

/** The exact duration; years and weeks only where nothing is left over. */
export function formatDuration(ms: number): string {
  let rest = Math.round(ms);
  if (rest === 0) return "0s";
  let text = rest < 0 ? "-" : "";
  rest = Math.abs(rest);
  for (const [name, size] of units) {
    if ((name === "y" || name === "w") && rest % size !== 0) continue;
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${name}`;
    rest -= count * size;
  }
  return text;
}

/** Short, for people: two units at most. */
export function shortDuration(ms: number): string {
  if (!Number.isFinite(ms)) return "–";
  const size = Math.abs(ms);
  if (size < 1000) return `${Math.round(ms)} ms`;
  if (size < 60_000) return `${(ms / 1000).toFixed(size < 10_000 ? 1 : 0).replace(/\.0$/, "")} s`;
  const sign = ms < 0 ? "−" : "";
  const minutes = Math.floor(size / 60_000);
  if (minutes < 60) return `${sign}${minutes} m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${sign}${hours} h` : `${sign}${hours} h ${minutes % 60} m`;
  const days = Math.floor(hours / 24);
  return hours % 24 === 0 ? `${sign}${days} d` : `${sign}${days} d ${hours % 24} h`;
}
