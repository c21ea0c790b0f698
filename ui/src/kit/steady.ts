// Rows do not move under the pointer: while it is over them they keep their order, and new ones wait.
import { useMemo, useState } from "react";

export interface Steady<T> {
  rows: readonly T[];
  /** Rows that wait. */
  waiting: number;
  /** Keys of rows that are shown and not there any more. */
  gone: ReadonlySet<string>;
  /** Keeps the rows that are shown. */
  hold: () => void;
  /** Keeps the newest ones instead. */
  renew: () => void;
  release: () => void;
}

/** The rows that were there, as they are now; with how many are new. A row that is gone stays as it was. */
export function steadied<T>(held: readonly T[], now: readonly T[], keyOf: (row: T) => string) {
  const byKey = new Map(now.map((row) => [keyOf(row), row]));
  const rows = held.map((row) => byKey.get(keyOf(row)) ?? row);
  const keys = held.map(keyOf);
  const known = new Set(keys);
  const gone: ReadonlySet<string> = new Set(keys.filter((key) => !byKey.has(key)));
  return { rows, gone, waiting: now.filter((row) => !known.has(keyOf(row))).length };
}

const none: ReadonlySet<string> = new Set();

/** `question` is what the rows answer: another one shows its rows at once. */
export function useSteady<T>(now: readonly T[], keyOf: (row: T) => string, question: string): Steady<T> {
  const [held, setHeld] = useState<{ rows: readonly T[]; question: string } | null>(null);
  const isHeld = held !== null && held.question === question;
  const renew = () => setHeld({ rows: now, question });
  const hold = () => {
    if (!isHeld) renew();
  };
  const release = () => setHeld(null);
  const shown = useMemo(
    () => (isHeld ? steadied(held.rows, now, keyOf) : { rows: now, waiting: 0, gone: none }),
    [isHeld, held, now, keyOf],
  );
  return { ...shown, hold, renew, release };
}
