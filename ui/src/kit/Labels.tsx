// Labels as chips. Values come from anywhere: they are text, never markup, cut when long, and kept apart from
// the direction of the text around them.
import { formatBytes, quote } from "./format";

const shownMax = 160;

/** As much of a value as is shown where there are others. */
export function cut(value: string): string {
  if (value.length <= shownMax) return value;
  // Not in the middle of a surrogate pair.
  return `${Array.from(value.slice(0, shownMax)).slice(0, -1).join("")}… (${formatBytes(value.length)})`;
}

interface LabelsProps {
  labels: Record<string, string>;
  /** Names that are shown elsewhere already. */
  without?: readonly string[];
  /** Called with a matcher when a label is chosen as a filter. */
  onChoose?: (matcher: string) => void;
}

export function Labels({ labels, without = [], onChoose }: LabelsProps) {
  const shown = Object.entries(labels).filter(([name]) => !without.includes(name));
  if (shown.length === 0) return <span className="dim">{"{}"}</span>;
  return (
    <span className="labels">
      {shown.map(([name, value]) => {
        const inside = (
          <>
            <b>{name}</b>={cut(value)}
          </>
        );
        const title = value.length > shownMax ? undefined : `${name}="${value}"`;
        return onChoose ? (
          <button
            key={name}
            type="button"
            className="label plain"
            title={title}
            onClick={() => onChoose(`${name}=${quote(value)}`)}
          >
            {inside}
          </button>
        ) : (
          <span key={name} className="label" title={title}>
            {inside}
          </span>
        );
      })}
    </span>
  );
}
