// What happened to this alert, and why somebody was, or was not, told.
import { useGet } from "../../api/hooks";
import { EventList, useJournal } from "../../kit/journal/EventList";
import { Axis, Lane, LaneTable, Legend } from "../../kit/journal/Lane";
import { RangeChoice } from "../../kit/journal/RangeChoice";
import { readRange } from "../../kit/journal/range";
import { Shown } from "../../kit/states";
import { useNow } from "../../kit/Time";
import { text } from "../../text";
import { usePageState } from "../../url/state";

const words = text.timeline;
const defaultMs = 24 * 3_600_000;

export function AlertPast({ fingerprint }: { fingerprint: string }) {
  const state = usePageState();
  const now = useNow();
  const range = readRange(state.get("from"), state.get("to"), defaultMs, now);
  const times = {
    from: new Date(range.fromMs).toISOString(),
    ...(range.toMs === null ? {} : { to: new Date(range.toMs).toISOString() }),
  };
  const found = useGet("/api/keepwatch/v1/alerts/{fingerprint}/timeline", { fingerprint, ...times }, { live: true });
  const journal = useJournal({ fingerprint, ...times });
  return (
    <section className="stack">
      <div className="row apart">
        <h2>{words.title}</h2>
        <RangeChoice range={range} onChange={(next) => state.set(next)} />
      </div>
      <Shown of={found} lines={2}>
        {({ data }) => (
          <div>
            {!data.isComplete && <p className="note small">{words.incomplete}</p>}
            {data.spans.length + data.marks.length === 0 ? (
              <p className="dim">{words.unknown}</p>
            ) : (
              <>
                <Legend />
                <Lane timeline={data} />
                <Axis range={{ fromMs: range.fromMs, toMs: range.toMs ?? now }} />
                <LaneTable timeline={data} />
              </>
            )}
          </div>
        )}
      </Shown>
      <div>
        <h3>{words.events}</h3>
        <EventList of={journal} hasLinks={false} />
      </div>
    </section>
  );
}
