// An alert in full: annotations, what keeps it quiet, and the ways to go on.
import { Link } from "react-router";
import { useBoot, useGet } from "../api/hooks";
import type { AlertRow } from "../api/types.gen";
import { text } from "../text";
import { quote } from "./format";
import { Labels } from "./Labels";
import { Promql } from "./Promql";
import { rowsFor, rowsText } from "./silence/matchers";
import { TextOrLink } from "./TextOrLink";
import { Ago } from "./Time";

const words = text.alerts;

function Annotation({ name, value }: { name: string; value: string }) {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td className="wrap">
        <TextOrLink value={value} />
      </td>
    </tr>
  );
}

export function labelsText(labels: Record<string, string>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${quote(value)}`)
    .join(", ");
}

interface AlertDetailProps {
  alert: AlertRow;
  /** Not on the alert's own page. */
  linksToPage: boolean;
}

export function AlertDetail({ alert, linksToPage }: AlertDetailProps) {
  const quiet: Array<[string, readonly string[]]> = [
    [words.inhibitedBy, alert.inhibitedBy],
    [words.mutedBy, alert.mutedBy],
  ];
  const isReadOnly = useBoot().data?.me.isReadOnly ?? true;
  const silence = new URLSearchParams({ filter: rowsText(rowsFor([alert.labels])) });
  const routing = new URLSearchParams({ labels: `{${labelsText(alert.labels)}}` });
  return (
    <div className="stack">
      <Labels labels={alert.labels} />
      <table className="facts">
        <tbody>
          {Object.entries(alert.annotations).map(([name, value]) => (
            <Annotation key={name} name={name} value={value} />
          ))}
          {quiet
            .filter(([, by]) => by.length > 0)
            .map(([name, by]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td className="mono wrap">{by.join(", ")}</td>
              </tr>
            ))}
        </tbody>
      </table>
      {alert.silencedBy.length > 0 && <SilencedBy ids={alert.silencedBy} />}
      {alert.rule && <Promql text={alert.rule.expression} />}
      <p className="row">
        {alert.rule && (
          <Link
            to={`/query?${new URLSearchParams({ "g0.expr": alert.rule.expression, "g0.tab": "graph", "g0.range_input": "1h" })}`}
          >
            {words.graph}
          </Link>
        )}
        {alert.rule && (
          <Link to={`/rules?${new URLSearchParams({ q: quote(alert.rule.name) })}`}>{words.columns.rule}</Link>
        )}
        <Link to={`/routing?${routing}`}>{words.route}</Link>
        {!isReadOnly && <Link to={`/silences/new?${silence}`}>{text.silences.silence}</Link>}
        {linksToPage && <Link to={`/alert/${alert.fingerprint}`}>{words.page}</Link>}
      </p>
    </div>
  );
}

/** Who keeps it quiet, why, and until when. */
function SilencedBy({ ids }: { ids: readonly string[] }) {
  const q = `@id:${ids.slice(0, 20).join(",")}`;
  const found = useGet("/api/keepwatch/v1/silences", { q }, { live: true }).data?.data.rows ?? [];
  return (
    <div>
      <h3>{words.silencedBy}</h3>
      <ul className="plain-list">
        {ids.slice(0, 20).map((id) => {
          const silence = found.find((one) => one.id === id);
          return (
            <li key={id} className="wrap">
              <Link to={`/silences/${id}`}>{silence ? silence.comment.slice(0, 200) || id : id}</Link>
              {silence && (
                <span className="small dim">
                  {" "}
                  {silence.createdBy.slice(0, 100)}, {text.silences.until} <Ago at={silence.endsAt} />
                </span>
              )}
            </li>
          );
        })}
      </ul>
    </div>
  );
}
