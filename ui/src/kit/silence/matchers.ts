// Matchers of silences as rows of a form and as text. Reading text is the server's business: here it is only
// written.
import { quote } from "../format";

export type Op = "=" | "!=" | "=~" | "!~";
export const ops: readonly Op[] = ["=", "!=", "=~", "!~"];

export interface Matcher {
  name: string;
  value: string;
  isRegex: boolean;
  isEqual: boolean;
}

export interface MatcherRow {
  name: string;
  op: Op;
  value: string;
}

export const emptyRow: MatcherRow = { name: "", op: "=", value: "" };

export function rowOf({ name, value, isRegex, isEqual }: Matcher): MatcherRow {
  return { name, op: `${isEqual ? (isRegex ? "=" : "") : "!"}${isRegex ? "~" : "="}` as Op, value };
}

export function matcherOf({ name, op, value }: MatcherRow): Matcher {
  return { name, value, isRegex: op.endsWith("~"), isEqual: op.startsWith("=") };
}

/** `name="value"`; names that need it are quoted too. */
export function rowText({ name, op, value }: MatcherRow): string {
  return `${/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) ? name : quote(name)}${op}${quote(value)}`;
}

/** `{a="b", c=~"d"}`. Rows without a name are not there yet. */
export function rowsText(rows: readonly MatcherRow[]): string {
  return `{${rows
    .filter((row) => row.name !== "")
    .map(rowText)
    .join(", ")}}`;
}

function escaped(value: string): string {
  return value.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

const alternativesMax = 50;

/**
 * Rows that match all of the alerts, as narrowly as one silence can: equal labels by their value, labels that differ
 * by all of their values. Labels that some lack, or that have too many values, are left out.
 */
export function rowsFor(alerts: ReadonlyArray<Record<string, string>>): MatcherRow[] {
  const [first] = alerts;
  if (first === undefined) return [];
  const rows: MatcherRow[] = [];
  for (const name of Object.keys(first)) {
    const values = [...new Set(alerts.map((labels) => labels[name] ?? ""))];
    if (values.includes("") || values.length > alternativesMax) continue;
    const [value = ""] = values;
    if (values.length === 1) rows.push({ name, op: "=", value });
    else rows.push({ name, op: "=~", value: values.map(escaped).join("|") });
  }
  return rows;
}
