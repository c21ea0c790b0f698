// Two texts beside each other in one column, with equal stretches folded.
import { useMemo, useState } from "react";
import { text } from "../text";
import { type DiffLine, diffLines } from "./diff";

const context = 3;

interface Stretch {
  lines: DiffLine[];
  isFolded: boolean;
}

function stretches(lines: DiffLine[]): Stretch[] {
  const near = lines.map((_, index) =>
    lines.slice(Math.max(0, index - context), index + context + 1).some((line) => line.kind !== "same"),
  );
  const found: Stretch[] = [];
  lines.forEach((line, index) => {
    const isFolded = !near[index];
    const last = found[found.length - 1];
    if (last && last.isFolded === isFolded) last.lines.push(line);
    else found.push({ lines: [line], isFolded });
  });
  return found;
}

export function Diff({ before, after }: { before: string; after: string }) {
  const parts = useMemo(() => stretches(diffLines(before, after)), [before, after]);
  return (
    <div className="diff">
      <p className="dim small">{text.server.config.legend}</p>
      <pre>
        {parts.map((part, index) =>
          part.isFolded ? <Folded key={index} lines={part.lines} /> : <Lines key={index} lines={part.lines} />,
        )}
      </pre>
    </div>
  );
}

function Lines({ lines }: { lines: readonly DiffLine[] }) {
  return lines.map((line, index) => {
    const mark = { same: "  ", old: "− ", new: "+ " }[line.kind];
    return (
      <span key={index} className={`diff-${line.kind}`}>
        {mark}
        {line.text}
        {"\n"}
      </span>
    );
  });
}

function Folded({ lines }: { lines: readonly DiffLine[] }) {
  const [isOpen, setOpen] = useState(false);
  if (isOpen) return <Lines lines={lines} />;
  return (
    <button type="button" className="diff-fold" onClick={() => setOpen(true)}>
      {text.server.config.lines(lines.length)}
    </button>
  );
}
