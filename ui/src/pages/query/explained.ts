// The explanation of a query as rows: what each operator is about, and what it alone costs.
import type { ExplainedNode } from "../../api/types.gen";

export interface ExplainedRow {
  /** Its place in the tree, such as `0.1`. */
  key: string;
  depth: number;
  node: ExplainedNode;
  /** The part of the query that it computes. */
  expression: string;
  /** Without the operators below; null if it was not measured. */
  ownSeconds: number | null;
}

const rowsMax = 500;

/** Spans count bytes of UTF-8. */
export function slice(query: string, start: number, end: number): string {
  return new TextDecoder().decode(new TextEncoder().encode(query).slice(start, end));
}

export function rowsOf(root: ExplainedNode, query: string): ExplainedRow[] {
  const rows: ExplainedRow[] = [];
  const add = (node: ExplainedNode, depth: number, key: string) => {
    if (rows.length >= rowsMax) return;
    const below = node.children.reduce((sum, child) => sum + (child.measured?.seconds ?? 0), 0);
    rows.push({
      key,
      depth,
      node,
      expression: slice(query, node.span.start, node.span.end),
      ownSeconds: node.measured ? Math.max(0, node.measured.seconds - below) : null,
    });
    node.children.forEach((child, index) => {
      add(child, depth + 1, `${key}.${index}`);
    });
  };
  add(root, 0, "0");
  return rows;
}

export type Measure = "series" | "samples" | "bytes" | "seconds";

/** What was measured, else what is estimated; null for what is neither. */
export function costOf(row: ExplainedRow, measure: Measure): number | null {
  if (measure === "seconds") return row.ownSeconds;
  return row.node.measured?.[measure] ?? row.node.estimated[measure];
}
