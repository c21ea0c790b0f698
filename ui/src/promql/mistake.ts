// Where the server says that an expression is wrong.

export interface Mistake {
  /** Offset into the expression. */
  at: number;
  message: string;
}

/** Errors of the parser begin with `line:column:`, counted from one. */
export function findMistake(message: string, expression: string): Mistake | null {
  const found = /(?:^|[\s"])(\d+):(\d+): (parse error: .*)/s.exec(message);
  if (!found?.[1] || !found[2] || !found[3]) return null;
  const line = Number(found[1]) - 1;
  const lines = expression.split("\n");
  if (line >= lines.length) return null;
  const before = lines.slice(0, line).reduce((sum, one) => sum + one.length + 1, 0);
  return { at: before + Number(found[2]) - 1, message: found[3] };
}
