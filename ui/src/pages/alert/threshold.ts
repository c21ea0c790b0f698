// What a rule compares with what: the expression whose value is of interest, and the number that it must pass.
import type { ExplainedNode } from "../../api/types.gen";

export interface Compared {
  /** Without the comparison, so that the value is there while nothing fires, too. */
  expression: string;
  /** Null if the rule does not compare with a number. */
  threshold: number | null;
  operator: string;
}

const comparisons: Record<string, string> = { "==": "==", "!=": "!=", ">": "<", "<": ">", ">=": "<=", "<=": ">=" };

/** Spans count bytes of UTF-8. */
function slice(query: string, { start, end }: ExplainedNode["span"]): string {
  return new TextDecoder().decode(new TextEncoder().encode(query).slice(start, end));
}

function numberOf(node: ExplainedNode | undefined, query: string): number | null {
  if (node?.op !== "number") return null;
  const value = Number(slice(query, node.span));
  return Number.isFinite(value) ? value : null;
}

export function comparedOf(root: ExplainedNode, query: string): Compared {
  const whole = { expression: query, threshold: null, operator: "" };
  const [left, right] = root.children;
  const turned = comparisons[root.detail];
  if (root.op !== "operator" || turned === undefined || !left || !right) return whole;
  const last = numberOf(right, query);
  if (last !== null) return { expression: slice(query, left.span), threshold: last, operator: root.detail };
  const first = numberOf(left, query);
  // Written the other way round: 0.05 < x.
  return first === null ? whole : { expression: slice(query, right.span), threshold: first, operator: turned };
}

/** The series that the alert is about: those with most of its labels. A rule may have put others over theirs. */
export function seriesOf<T extends { metric: Record<string, string> }>(
  series: readonly T[],
  labels: Record<string, string>,
): T[] {
  const score = ({ metric }: T) =>
    Object.entries(metric)
      .filter(([name]) => name !== "__name__")
      .reduce((sum, [name, value]) => sum + (labels[name] === value ? 1 : -1), 0);
  const best = Math.max(...series.slice(0, 10_000).map(score));
  return series.filter((one) => score(one) === best);
}
