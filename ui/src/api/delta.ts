// Lists that are asked for again: the server leaves out the rows that are known, and says where they stand.

interface Part<T> {
  rows: readonly T[];
  prints?: readonly string[] | null;
}

/** For a server that is asked for the first time: nothing is known. */
export const nothingKnown = "0";
/** Longer ones make addresses that not every proxy lets through. */
const knownMax = 3000;

/** The parameter `have`. */
export function haveOf(known: Part<unknown> | undefined): string {
  const have = known?.prints?.join(",") ?? "";
  return have === "" || have.length > knownMax ? nothingKnown : have;
}

/** The rows of an answer with those that were left out. Null if they do not fit together; then all is asked for. */
export function whole<T, P extends Part<T>>(answer: P, known: P | undefined): P | null {
  const { prints } = answer;
  if (!prints) return answer;
  const byPrint = new Map(known?.prints?.map((print, index) => [print, known.rows[index]]));
  const fresh = [...answer.rows];
  const rows: T[] = [];
  for (const print of prints) {
    const row = byPrint.get(print) ?? fresh.shift();
    if (row === undefined) return null;
    rows.push(row as T);
  }
  return fresh.length === 0 ? { ...answer, rows } : null;
}
