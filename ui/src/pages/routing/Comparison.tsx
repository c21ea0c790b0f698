// What a comparison says: in sums, per receiver, and per alert with both outcomes.
import { useMemo, useState } from "react";
import type { ComparedAlert, ComparedEnd, RouteComparison, RouteOutcome } from "../../api/types.gen";
import { Check } from "../../kit/Check";
import { type Column, DataTable } from "../../kit/DataTable";
import { formatCount } from "../../kit/format";
import { Labels } from "../../kit/Labels";
import { Button } from "../../kit/mantine";
import { text } from "../../text";
import { usePageState } from "../../url/state";

const words = text.alerts.compare;
const routing = text.alerts.routing;

interface ComparisonProps {
  answer: RouteComparison;
  /** What can be shown more; null if there is no more. */
  limitMax: string | null;
  onMore: (limit: string) => void;
}

export function Comparison({ answer, limitMax, onMore }: ComparisonProps) {
  const { candidates, leftOut, nobody } = answer;
  const isCut = leftOut.changed + leftOut.unchanged > 0;
  return (
    <section className="stack" aria-label={words.run}>
      <div role="status">
        <h2>{words.compared(formatCount(answer.compared), formatCount(answer.changed))}</h2>
        {answer.compared === 0 && <p>{words.noAlerts}</p>}
        {answer.compared > 0 && answer.changed === 0 && <p>{words.same}</p>}
      </div>
      {candidates.journalled > 0 && (
        <p className="dim small">
          {words.candidates(formatCount(candidates.current), formatCount(candidates.journalled))}
        </p>
      )}
      {(nobody.old > 0 || nobody.new > 0) && (
        <p className={nobody.new > nobody.old ? "bad" : undefined}>
          {words.nobody(formatCount(nobody.old), formatCount(nobody.new))}
        </p>
      )}
      {Object.keys(answer.reasons).length > 0 && (
        <p className="row">
          <span className="dim">{words.reasons}</span>
          {Object.entries(answer.reasons).map(([reason, count]) => (
            <span key={reason} className="state info">
              {words.reasonWords[reason] ?? reason} {formatCount(count)}
            </span>
          ))}
        </p>
      )}
      {answer.warnings.length > 0 && (
        <ul className="message warn">
          {answer.warnings.slice(0, 50).map((warning) => (
            <li key={warning} className="wrap">
              {warning}
            </li>
          ))}
        </ul>
      )}
      <Receivers answer={answer} />
      <Alerts answer={answer} />
      {isCut && (
        <div className="row">
          <p>{words.leftOut(formatCount(leftOut.changed), formatCount(leftOut.unchanged))}</p>
          {limitMax !== null && (
            <Button size="compact-sm" onClick={() => onMore(limitMax)}>
              {words.showMore(limitMax)}
            </Button>
          )}
        </div>
      )}
    </section>
  );
}

function Receivers({ answer }: { answer: RouteComparison }) {
  return (
    <section>
      <h2>{words.receivers}</h2>
      <table className="sums">
        <thead>
          <tr>
            <th scope="col">{words.receiver}</th>
            {[words.before, words.after, words.gained, words.lost].map((title) => (
              <th key={title} scope="col" className="numeric">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {answer.receivers.map((receiver) => (
            <tr key={receiver.name}>
              <th scope="row" className="wrap">
                {receiver.name}{" "}
                {receiver.state !== "stays" && (
                  <span className="state warn">{words.states[receiver.state] ?? receiver.state}</span>
                )}
              </th>
              {[receiver.old, receiver.new, receiver.gained, receiver.lost].map((count, index) => (
                <td key={index} className={`numeric ${index > 1 && count > 0 ? "warn" : ""}`}>
                  {formatCount(count)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

type Row = ComparedAlert & { key: string };

const columns: ReadonlyArray<Column<Row>> = [
  {
    key: "alert",
    title: words.alert,
    render: (row) => (
      <>
        <b className="wrap">{row.labels.alertname?.slice(0, 200)}</b>{" "}
        <Labels labels={row.labels} without={["alertname"]} />
      </>
    ),
  },
  { key: "old", title: words.before, width: "18%", render: (row) => <Whom of={row.old} /> },
  { key: "new", title: words.after, width: "18%", render: (row) => <Whom of={row.new} /> },
  {
    key: "reasons",
    title: words.reasons,
    width: "16%",
    render: (row) =>
      row.changed ? (
        row.reasons.map((reason) => words.reasonWords[reason] ?? reason).join(", ")
      ) : (
        <span className="dim">{words.asBefore}</span>
      ),
  },
];

function Alerts({ answer }: { answer: RouteComparison }) {
  const state = usePageState();
  const showsSame = state.get("same") === "1";
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set());
  const rows = useMemo(
    () =>
      answer.alerts
        .map((alert, index) => ({ ...alert, key: String(index) }))
        .filter((alert) => alert.changed || showsSame),
    [answer, showsSame],
  );
  const onOpen = (key: string, isOpen: boolean) => {
    const next = new Set(opened);
    if (isOpen) next.add(key);
    else next.delete(key);
    setOpened(next);
  };
  if (answer.compared === 0) return null;
  return (
    <section>
      <h2>{showsSame ? words.allAlerts : words.alerts}</h2>
      <Check
        label={words.showsSame}
        checked={showsSame}
        onChange={(isChecked) => state.set({ same: isChecked ? "1" : null })}
      />
      {rows.length > 0 && (
        <DataTable
          caption={showsSame ? words.allAlerts : words.alerts}
          columns={columns}
          rows={rows}
          keyOf={keyOf}
          nameOf={nameOf}
          detail={detail}
          opened={opened}
          onOpen={onOpen}
        />
      )}
    </section>
  );
}

const keyOf = (row: Row) => row.key;
const nameOf = (row: Row) => row.labels.alertname ?? "";
const detail = (row: Row) => (
  <div className="cards wide">
    <Outcome title={words.before} of={row.old} />
    <Outcome title={words.after} of={row.new} />
  </div>
);

/** The receivers in a few words. */
function Whom({ of }: { of: RouteOutcome }) {
  if (of.ends.length === 0) return <span className="bad">{words.nobodyIs}</span>;
  return (
    <ul className="plain-list">
      {of.ends.map((end, index) => (
        <li key={index} className="wrap">
          {end.receiver}
          {notes(end, of).map((note) => (
            <span key={note} className="dim">
              {" "}
              ({note})
            </span>
          ))}
        </li>
      ))}
    </ul>
  );
}

function notes(end: ComparedEnd, of: RouteOutcome): string[] {
  return [
    ...(end.integrations.length === 0 ? [words.tellsNobody] : []),
    ...(end.muted ? [words.isMuted] : []),
    ...(of.inhibited ? [words.isInhibited] : []),
  ];
}

function Outcome({ title, of }: { title: string; of: RouteOutcome }) {
  return (
    <section className="card">
      <h3>{title}</h3>
      {of.ends.length === 0 && <p className="bad">{words.nobodyIs}</p>}
      {of.inhibited && (
        <p className="wrap">
          <span className="state warn">{words.inhibited}</span> {of.inhibited.message}
        </p>
      )}
      {of.ends.map((end, index) => (
        <div key={index}>
          <h4 className="wrap">{end.receiver}</h4>
          {end.muted && <p className="wrap warn">{end.muted.message}</p>}
          <dl className="pairs small">
            <dt>{words.integrations}</dt>
            <dd className="wrap">{end.integrations.join(", ") || routing.noIntegrations}</dd>
            <dt>{words.group}</dt>
            <dd>
              <Labels labels={end.groupLabels} />
            </dd>
            <dt>{words.groupKey}</dt>
            <dd className="mono wrap">{end.groupKey.slice(0, 1000)}</dd>
            <dt>{words.timers}</dt>
            <dd>{routing.timers(end.groupWait, end.groupInterval, end.repeatInterval)}</dd>
            {end.muteTimeIntervals.length > 0 && (
              <>
                <dt>{text.states.muted}</dt>
                <dd className="wrap">{routing.muted(end.muteTimeIntervals.join(", "))}</dd>
              </>
            )}
            {end.activeTimeIntervals.length > 0 && (
              <>
                <dt>{text.states.active}</dt>
                <dd className="wrap">{routing.activeIn(end.activeTimeIntervals.join(", "))}</dd>
              </>
            )}
          </dl>
        </div>
      ))}
    </section>
  );
}
