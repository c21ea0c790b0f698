// Timeline: what happened to alerts. A lane for each, with configuration changes as lines, and the events below.
import { useMemo, useState } from "react";
import { Link } from "react-router";
import { Failure } from "../../api/client";
import { useGet } from "../../api/hooks";
import type { JournalEvent } from "../../api/types.gen";
import { FilterBox } from "../../kit/FilterBox";
import { formatMetric, parseInstant } from "../../kit/format";
import { EventList, useJournal } from "../../kit/journal/EventList";
import { Axis, type Drawn, Lane, Legend } from "../../kit/journal/Lane";
import { RangeChoice } from "../../kit/journal/RangeChoice";
import { type PastRange, readRange } from "../../kit/journal/range";
import { Labels } from "../../kit/Labels";
import { Button } from "../../kit/mantine";
import { Page } from "../../kit/Page";
import { Empty, Failed } from "../../kit/states";
import { Instant, useNow } from "../../kit/Time";
import { text } from "../../text";
import { usePageState } from "../../url/state";
import { questionOf } from "./question";

const words = text.timeline;
const defaultMs = 6 * 3_600_000;
const lanesStep = 10;

/** Suggestions; the counts of a journal are not known before it is read. */
const facets = {
  kind: {},
  receiver: {},
  code: {},
};

interface Known {
  fingerprint: string;
  labels: Record<string, string>;
}

/** Alerts that events name, those of the newest event first. */
function alertsOf(events: readonly JournalEvent[]): Known[] {
  const found = new Map<string, Known>();
  const add = (one: Known) => {
    if (!found.has(one.fingerprint)) found.set(one.fingerprint, one);
  };
  for (const event of events) {
    if (event.fingerprint) add({ fingerprint: event.fingerprint, labels: event.labels ?? {} });
    for (const alert of event.alerts ?? []) add(alert);
  }
  return [...found.values()];
}

export default function TimelinePage() {
  const state = usePageState();
  const now = useNow();
  const range = readRange(state.get("from"), state.get("to"), defaultMs, now);
  const q = state.get("q");
  const question = useMemo(() => questionOf(q), [q]);
  const times = {
    from: new Date(range.fromMs).toISOString(),
    ...(range.toMs === null ? {} : { to: new Date(range.toMs).toISOString() }),
  };
  const journal = useJournal({ ...question.params, ...times });
  const events = useMemo(() => (journal.data?.pages ?? []).flatMap((page) => page.events), [journal.data]);
  const isRefused = journal.error instanceof Failure && journal.error.about.status === 400;
  const problem =
    question.unknown.length > 0 ? words.onlyThese : isRefused ? (journal.error as Failure).message : undefined;
  const keptSince = journal.data?.pages[0]?.keptSince;
  const begins = keptSince ? (parseInstant(keptSince) ?? 0) : 0;
  return (
    <Page title={words.title} actions={<RangeChoice range={range} onChange={(next) => state.set(next)} />}>
      <div className="stack">
        <div className="row">
          <FilterBox
            value={q}
            onChange={(next) => state.set({ q: next })}
            facets={facets}
            placeholder={words.placeholder}
            problem={problem}
          />
        </div>
        {begins > range.fromMs && (
          <p className="small dim">
            {words.keptSince} <Instant at={begins} />.
          </p>
        )}
        <section>
          <h2>{words.alerts}</h2>
          <Lanes
            alerts={alertsOf(events)}
            events={events}
            range={range}
            nowMs={now}
            isKnown={journal.data !== undefined}
          />
        </section>
        <section>
          <h2>{words.events}</h2>
          <EventList of={journal} hidesError={isRefused} hasLinks />
        </section>
      </div>
    </Page>
  );
}

interface LanesProps {
  alerts: readonly Known[];
  events: readonly JournalEvent[];
  range: PastRange;
  nowMs: number;
  isKnown: boolean;
}

function Lanes({ alerts, events, range, nowMs, isKnown }: LanesProps) {
  const [count, setCount] = useState(lanesStep);
  const drawn: Drawn = { fromMs: range.fromMs, toMs: range.toMs ?? nowMs };
  if (alerts.length === 0) return isKnown ? <Empty title={words.noAlerts}>{words.noAlertsWhy}</Empty> : null;
  const shown = alerts.slice(0, count);
  // What all have in common does not tell them apart.
  const [first] = shown;
  const common = Object.entries(first?.labels ?? {})
    .filter(([name, value]) => shown.every((alert) => alert.labels[name] === value))
    .map(([name]) => name);
  const marks = events
    .filter((event) => event.kind === "config")
    .map((event) => ({ atMs: parseInstant(event.at) ?? 0, text: event.text }));
  return (
    <>
      <Legend />
      <ul className="lanes">
        {shown.map((alert) => (
          <li key={alert.fingerprint}>
            <div className="lane-name">
              <Link className="wrap" title={formatMetric(alert.labels)} to={`/alert/${alert.fingerprint}`}>
                {alert.labels.alertname ?? alert.fingerprint}
              </Link>
              {shown.length > 1 && <Labels labels={alert.labels} without={["alertname", ...common]} />}
            </div>
            <AlertLane fingerprint={alert.fingerprint} range={range} />
          </li>
        ))}
        <li>
          <span className="lane-name" />
          <Axis range={drawn} marks={marks} />
        </li>
      </ul>
      {alerts.length > count && (
        <Button variant="default" onClick={() => setCount(count + lanesStep)}>
          {words.moreAlerts(Math.min(lanesStep, alerts.length - count))}
        </Button>
      )}
    </>
  );
}

function AlertLane({ fingerprint, range }: { fingerprint: string; range: PastRange }) {
  const found = useGet(
    "/api/keepwatch/v1/alerts/{fingerprint}/timeline",
    {
      fingerprint,
      from: new Date(range.fromMs).toISOString(),
      ...(range.toMs === null ? {} : { to: new Date(range.toMs).toISOString() }),
    },
    { live: true },
  );
  if (found.data) return <Lane timeline={found.data.data} />;
  return found.error === null ? <div className="lane" aria-busy="true" /> : <Failed error={found.error} />;
}
