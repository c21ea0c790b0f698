// A silence in full, with what can be done about it and the alerts that it matches.
import { Link } from "react-router";
import { useBoot } from "../../api/hooks";
import type { SilenceRow } from "../../api/types.gen";
import { formatDuration } from "../../kit/duration";
import { parseInstant } from "../../kit/format";
import { Button } from "../../kit/mantine";
import { isAcknowledgement } from "../../kit/silence/acknowledged";
import { Matchers } from "../../kit/silence/Matchers";
import { rowOf, rowsText } from "../../kit/silence/matchers";
import { AffectedAlerts, usePreview } from "../../kit/silence/Preview";
import { stoppedText } from "../../kit/silence/stopped";
import { Failed } from "../../kit/states";
import { Ago, Instant } from "../../kit/Time";
import { text } from "../../text";
import { type Asked, isChangeable } from "./Bulk";

const words = text.silences;

/** The address of a form for a silence like this one, from now on. One that is over may have been ended early, so
 *  its length says nothing. */
function likeThis(silence: SilenceRow): string {
  const starts = parseInstant(silence.startsAt) ?? 0;
  const length = silence.state === "expired" ? 0 : (parseInstant(silence.endsAt) ?? 0) - starts;
  return `/silences/new?${new URLSearchParams({
    filter: rowsText((silence.matcherSets[0] ?? []).map(rowOf)),
    comment: silence.comment,
    ...(length > 0 ? { duration: formatDuration(Math.round(length / 1000) * 1000) } : {}),
  })}`;
}

interface SilenceDetailProps {
  silence: SilenceRow;
  onAsk: (asked: Asked) => void;
}

export function SilenceDetail({ silence, onAsk }: SilenceDetailProps) {
  const isReadOnly = useBoot().data?.me.isReadOnly ?? true;
  const isOver = silence.state === "expired";
  return (
    <div className="stack">
      <Matchers sets={silence.matcherSets} />
      <p className="wrap">{silence.comment}</p>
      {!isOver && isAcknowledgement(silence) && <p className="hint">→ {words.extendsItself}</p>}
      <table className="facts">
        <tbody>
          <tr>
            <th scope="row">{words.columns.creator}</th>
            <td>{silence.createdBy}</td>
          </tr>
          {(["starts", "ends", "updated"] as const).map((name) => (
            <tr key={name}>
              <th scope="row">{words.columns[name]}</th>
              <td>
                <Instant at={silence[`${name}At`]} /> (<Ago at={silence[`${name}At`]} />)
              </td>
            </tr>
          ))}
          <tr>
            <th scope="row">{words.stoppedInTotal}</th>
            <td>{stoppedText(silence)}</td>
          </tr>
          {Object.entries(silence.annotations).map(([name, value]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{value}</td>
            </tr>
          ))}
          <tr>
            <th scope="row">{words.columns.id}</th>
            <td>
              <Link className="mono" to={`/silences/${silence.id}`}>
                {silence.id}
              </Link>
            </td>
          </tr>
        </tbody>
      </table>
      {!isReadOnly && (
        <p className="row">
          {isChangeable(silence) && (
            <>
              <Link to={`/silences/${silence.id}/edit`}>{words.edit}</Link>
              <Button size="compact-sm" variant="default" onClick={() => onAsk({ kind: "extend", of: [silence] })}>
                {words.extend}
              </Button>
            </>
          )}
          {!isOver && (
            <Button size="compact-sm" variant="default" onClick={() => onAsk({ kind: "expire", of: [silence] })}>
              {words.expire}
            </Button>
          )}
          {silence.matcherSets.length === 1 ? (
            <Link to={likeThis(silence)}>{isOver ? words.again : words.duplicate}</Link>
          ) : (
            <span className="dim">{words.manySets}</span>
          )}
        </p>
      )}
      {silence.matcherSets.length === 1 && <Affected silence={silence} />}
    </div>
  );
}

function Affected({ silence }: { silence: SilenceRow }) {
  const asked = usePreview((silence.matcherSets[0] ?? []).map(rowOf));
  const preview = asked.data?.data;
  return (
    <section>
      <h3>
        {words.affected}
        {preview && ` (${preview.matched})`}
      </h3>
      {asked.error !== null && <Failed error={asked.error} />}
      {preview && (preview.matched === 0 ? <p className="dim">{text.none}</p> : <AffectedAlerts preview={preview} />)}
    </section>
  );
}
