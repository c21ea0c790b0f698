// What the server says is wrong with an expression, at places of the browser's strings, with the change that it
// proposes.
import type { QueryProblem } from "../api/types.gen";

export interface Found {
  from: number;
  to: number;
  message: string;
  hint: string | null;
  /** What stands at the place instead, if the hint names it. */
  instead: string | null;
}

/** The server counts bytes of UTF-8. */
function placesOf(expression: string): (bytes: number) => number {
  const bytes = new TextEncoder().encode(expression);
  return (at) => new TextDecoder().decode(bytes.slice(0, at)).length;
}

export function foundIn(expression: string, problems: readonly QueryProblem[]): Found[] {
  const placeOf = placesOf(expression);
  return problems.map(({ start, end, message, hint = null }) => {
    // At the end there is nothing to underline but the last character.
    const from = Math.max(Math.min(placeOf(start), expression.length - 1), 0);
    const to = Math.min(Math.max(placeOf(end), from + 1), expression.length);
    return { from, to, message, hint, instead: /^did you mean `([^`]+)`\?$/.exec(hint ?? "")?.[1] ?? null };
  });
}

export function fixed(expression: string, { from, to, instead }: Found): string {
  return `${expression.slice(0, from)}${instead ?? ""}${expression.slice(to)}`;
}
