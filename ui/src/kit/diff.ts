// The difference of two texts by lines: the shortest edit script, as Myers found it, within bounds.

export interface DiffLine {
  kind: "same" | "old" | "new";
  text: string;
}

/** Texts that differ in more lines are shown as replaced whole: the search would take too long. */
const editsMax = 500;

export function diffLines(before: string, after: string): DiffLine[] {
  const a = before.split("\n");
  const b = after.split("\n");
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail])
    tail += 1;
  const same = (lines: string[]): DiffLine[] => lines.map((text) => ({ kind: "same", text }));
  return [
    ...same(a.slice(0, head)),
    ...middle(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    ...same(a.slice(a.length - tail)),
  ];
}

function middle(a: string[], b: string[]): DiffLine[] {
  const replaced = (): DiffLine[] => [
    ...a.map((text): DiffLine => ({ kind: "old", text })),
    ...b.map((text): DiffLine => ({ kind: "new", text })),
  ];
  if (a.length === 0 || b.length === 0) return replaced();
  // furthest[k]: how far one gets into `a` on diagonal k; the traces lead the way back.
  const traces: Array<Map<number, number>> = [];
  let furthest = new Map<number, number>([[1, 0]]);
  const limit = Math.min(a.length + b.length, editsMax);
  for (let edits = 0; edits <= limit; edits += 1) {
    traces.push(new Map(furthest));
    const next = new Map(furthest);
    for (let k = -edits; k <= edits; k += 2) {
      const down = next.get(k + 1) ?? -1;
      const right = next.get(k - 1) ?? -1;
      let x = k === -edits || (k !== edits && right < down) ? down : right + 1;
      let y = x - k;
      while (x < a.length && y < b.length && a[x] === b[y]) {
        x += 1;
        y += 1;
      }
      next.set(k, x);
      if (x >= a.length && y >= b.length) return walkBack(a, b, traces);
    }
    furthest = next;
  }
  return replaced();
}

function walkBack(a: string[], b: string[], traces: Array<Map<number, number>>): DiffLine[] {
  const lines: DiffLine[] = [];
  let x = a.length;
  let y = b.length;
  for (let edits = traces.length - 1; edits >= 0; edits -= 1) {
    const furthest = traces[edits] ?? new Map<number, number>();
    const k = x - y;
    const down = furthest.get(k + 1) ?? -1;
    const right = furthest.get(k - 1) ?? -1;
    const isDown = k === -edits || (k !== edits && right < down);
    const fromX = edits === 0 ? 0 : isDown ? down : right;
    const fromY = edits === 0 ? 0 : fromX - (isDown ? k + 1 : k - 1);
    while (x > fromX && y > fromY) {
      x -= 1;
      y -= 1;
      lines.push({ kind: "same", text: a[x] ?? "" });
    }
    if (edits > 0) {
      if (isDown) {
        y -= 1;
        lines.push({ kind: "new", text: b[y] ?? "" });
      } else {
        x -= 1;
        lines.push({ kind: "old", text: a[x] ?? "" });
      }
    }
  }
  return lines.reverse();
}
