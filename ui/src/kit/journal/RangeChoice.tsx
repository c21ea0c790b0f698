// How far back a timeline goes.
import { text } from "../../text";
import { shortDuration } from "../duration";
import { Instant } from "../Time";
import type { PastRange } from "./range";

const hourMs = 3_600_000;
const choices: ReadonlyArray<readonly [string, number]> = [
  ["-1h", hourMs],
  ["-6h", 6 * hourMs],
  ["-1d", 24 * hourMs],
  ["-7d", 168 * hourMs],
  ["-30d", 720 * hourMs],
];

interface RangeChoiceProps {
  range: PastRange;
  onChange: (changes: { from: string; to: null }) => void;
}

export function RangeChoice({ range, onChange }: RangeChoiceProps) {
  return (
    <div className="row">
      <fieldset className="facets">
        <legend className="visually-hidden">{text.timeline.range}</legend>
        {choices.map(([from, ms]) => (
          <button
            key={from}
            type="button"
            aria-pressed={range.lengthMs === ms}
            onClick={() => onChange({ from, to: null })}
          >
            {shortDuration(ms)}
          </button>
        ))}
      </fieldset>
      {range.lengthMs === null && (
        <span className="small dim">
          <Instant at={range.fromMs} /> – {range.toMs === null ? text.time.now : <Instant at={range.toMs} />}
        </span>
      )}
    </div>
  );
}
