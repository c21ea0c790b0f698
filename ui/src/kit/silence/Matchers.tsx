// Matchers as chips; sets of which one must match have "or" between.
import { Fragment } from "react";
import { text } from "../../text";
import { type Matcher, rowOf } from "./matchers";

const shownMax = 160;

export function Matchers({ sets }: { sets: ReadonlyArray<readonly Matcher[]> }) {
  return (
    <span className="labels">
      {sets.map((set, index) => (
        <Fragment key={index}>
          {index > 0 && <span className="dim small">{text.silences.or}</span>}
          {set.map((matcher, position) => {
            const { name, op, value } = rowOf(matcher);
            const isLong = value.length > shownMax;
            return (
              <span key={position} className="label" title={isLong ? undefined : `${name}${op}"${value}"`}>
                <b>{name}</b>
                {op}
                {isLong ? `${value.slice(0, shownMax)}…` : value}
              </span>
            );
          })}
        </Fragment>
      ))}
    </span>
  );
}
