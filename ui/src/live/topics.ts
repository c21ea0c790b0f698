// Which topics of the event stream an answer depends on, by its path.

const byPath: ReadonlyArray<readonly [string, readonly string[]]> = [
  ["/api/keepwatch/v1/alerts", ["alerts"]],
  ["/api/keepwatch/v1/journal", ["alerts", "silences", "config"]],
  ["/api/keepwatch/v1/silences", ["silences", "alerts"]],
  ["/api/keepwatch/v1/rules", ["rules"]],
  ["/api/keepwatch/v1/targets", ["targets"]],
  ["/api/keepwatch/v1/discovery", ["targets"]],
  ["/api/keepwatch/v1/why", ["targets", "reasons"]],
  ["/api/keepwatch/v1/overview", ["alerts", "rules", "targets", "config", "cluster"]],
  ["/api/keepwatch/v1/route", ["alerts", "config"]],
  ["/api/keepwatch/v1/config", ["config"]],
  ["/api/v2/status", ["cluster", "config"]],
  ["/api/v1/status/config", ["config"]],
];

/** Of the first part of a query's key, which is its path. */
export function topicsOf(path: unknown): readonly string[] {
  if (typeof path !== "string") return [];
  return byPath.find(([start]) => path === start || path.startsWith(`${start}/`))?.[1] ?? [];
}

/** In order, so that the same topics make the same address. */
export function topicsOfAll(paths: Iterable<unknown>): string {
  return [...new Set([...paths].flatMap(topicsOf))].sort().join(",");
}
