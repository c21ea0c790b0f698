// What happened to this alert, and why somebody was, or was not, told.
import { useGet } from "../../api/hooks";
import type { AlertRow } from "../../api/types.gen";
import { EventList, useJournal } from "../../kit/journal/EventList";
import { Axis, Lane, LaneTable, Legend } from "../../kit/journal/Lane";
import { RangeChoice } from "../../kit/journal/RangeChoice";
import { readRange } from "../../kit/journal/range";
import { Shown } from "../../kit/states";
import { useNow } from "../../kit/Time";
import { text } from "../../text";
import { formatTime } from "../../url/panels";
import { usePageState } from "../../url/state";
import { AlertGraph } from "./AlertGraph";

const words = text.timeline;
const defaultMs = 24 * 3_600_000;

interface AlertPastProps {
  fingerprint: string;
  /** While it is there. */
  alert: AlertRow | undefined;
}

export function AlertPast({ fingerprint, alert }: AlertPastProps) {
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
      {alert?.rule && (
        <AlertGraph
          alert={alert}
          expression={alert.rule.expression}
          fromMs={range.fromMs}
          toMs={range.toMs ?? Math.floor(now / 15_000) * 15_000}
          isLive={range.toMs === null}
          timeline={found.data?.data}
          onRange={(fromMs, toMs) => state.set({ from: formatTime(fromMs), to: formatTime(toMs) }, { push: true })}
        />
      )}
      <div>
        <h3>{words.events}</h3>
        <EventList of={journal} hasLinks={false} />
      </div>
    </section>
  );
}
