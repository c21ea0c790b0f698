// Blocks as the server tells of them: their own `meta.json`, of which the parts that are not there count as nothing.

export interface Block {
  id: string;
  fromMs: number;
  toMs: number;
  level: number;
  series: number;
  samples: number;
}

function numberAt(of: unknown, ...path: readonly string[]): number {
  const found = path.reduce<unknown>((at, name) => (at as Record<string, unknown> | null)?.[name], of);
  return typeof found === "number" && Number.isFinite(found) ? found : 0;
}

/** The newest first. */
export function blocksOf(metas: readonly unknown[]): Block[] {
  return metas
    .map((meta) => ({
      id: String((meta as { ulid?: unknown } | null)?.ulid ?? ""),
      fromMs: numberAt(meta, "minTime"),
      toMs: numberAt(meta, "maxTime"),
      level: numberAt(meta, "compaction", "level"),
      series: numberAt(meta, "stats", "numSeries"),
      samples: numberAt(meta, "stats", "numSamples"),
    }))
    .filter((block) => block.id !== "")
    .sort((a, b) => b.fromMs - a.fromMs || a.id.localeCompare(b.id));
}
