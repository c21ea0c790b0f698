// Exemplars of a query as marks: where each stands in the graph, and which of many are drawn.
import type { ExemplarsOfSeries } from "../../api/types.gen";
import { parseValue } from "../../kit/format";

export interface Mark {
  series: Record<string, string>;
  labels: Record<string, string>;
  /** Seconds. */
  time: number;
  value: number;
  /** From the left and from the bottom, 0 to 1. */
  x: number;
  y: number;
}

export interface Marks {
  /** By time. */
  drawn: Mark[];
  /** How many are in the range and have a finite value. */
  total: number;
  low: number;
  high: number;
}

/** One mark for each cell of this grid; more would hide each other. */
const columnsMax = 60;
const rowsMax = 4;

function cell(fraction: number, count: number): number {
  return Math.min(Math.floor(fraction * count), count - 1);
}

interface Area {
  /** Seconds. */
  from: number;
  to: number;
  /** Where a value stands, or null where it has no place. Without it the values have a scale of their own, as lines
   * are often of another unit. */
  heightOf?: (value: number) => number | null;
}

/** The newest of a cell is drawn. */
export function marksOf(found: readonly ExemplarsOfSeries[], { from, to, heightOf }: Area): Marks {
  const marks: Mark[] = [];
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  const span = to - from || 1;
  for (const { seriesLabels, exemplars } of found) {
    for (const { labels, value: text, timestamp: time } of exemplars) {
      const value = parseValue(text);
      if (!Number.isFinite(value) || !(time >= from && time <= to)) continue;
      const y = heightOf ? heightOf(value) : 0;
      if (y === null) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
      marks.push({ series: seriesLabels, labels, time, value, x: (time - from) / span, y });
    }
  }
  const height = high - low;
  const cells = new Map<number, Mark>();
  for (const mark of marks) {
    // Not at the edges, where half of a mark would be cut.
    if (!heightOf) mark.y = height > 0 && Number.isFinite(height) ? 0.04 + (0.92 * (mark.value - low)) / height : 0.5;
    const place = cell(mark.x, columnsMax) * rowsMax + cell(mark.y, rowsMax);
    const other = cells.get(place);
    if (other === undefined || other.time <= mark.time) cells.set(place, mark);
  }
  const drawn = [...cells.values()].sort((a, b) => a.time - b.time);
  return { drawn, total: marks.length, low, high };
}
