import { expect, test } from "vitest";
import { blocksOf } from "./meta";

test("blocks come the newest first, whatever their meta.json lacks", () => {
  const metas = [
    { ulid: "A", minTime: 1, maxTime: 2, stats: { numSamples: 3, numSeries: 4 }, compaction: { level: 5 } },
    { ulid: "B", minTime: 7, maxTime: 9 },
    null,
    { ulid: "C", minTime: 1, maxTime: 2, stats: { numSamples: "many" } },
  ];
  expect(blocksOf(metas).map((block) => [block.id, block.samples, block.series, block.level])).toEqual([
    ["B", 0, 0, 0],
    ["A", 3, 4, 5],
    ["C", 0, 0, 0],
  ]);
});
