// What a silence would hide, kept up to date while its matchers are typed.
import { Link } from "react-router";
import { useGet } from "../../api/hooks";
import type { SilencePreview } from "../../api/types.gen";
import { text } from "../../text";
import { Labels } from "../Labels";
import { State } from "../State";
import { useSettled } from "../settled";
import { Failed, Loading } from "../states";
import { type MatcherRow, rowsText } from "./matchers";

const words = text.silences;

/** So many alerts are rarely meant. */
const manyMin = 20;

/** The words of a warning about a silence that hides too much, if there is one. */
export function warningOf(preview: SilencePreview): string | null {
  if (preview.isUnbounded && preview.matchers.length > 0) return words.unbounded;
  if (preview.total > 1 && preview.matched === preview.total) return words.hidesAll(preview.total);
  return preview.matched > manyMin ? words.hidesMany(preview.matched) : null;
}

export function usePreview(rows: readonly MatcherRow[]) {
  const filter = useSettled(rowsText(rows), 200);
  return useGet("/api/keepwatch/v1/silences/preview", { filter }, { enabled: filter !== "{}", live: true });
}

export function Preview({ of }: { of: ReturnType<typeof usePreview> }) {
  if (of.error !== null) return <Failed error={of.error} />;
  const preview = of.data?.data;
  if (preview === undefined) return of.isFetching ? <Loading lines={2} /> : <p className="dim">{words.noMatchers}</p>;
  return (
    <>
      <p aria-live="polite">
        <strong>{words.matched(preview.matched, preview.total)}</strong>
        {preview.silenced > 0 && ` ${words.silencedAlready(preview.silenced)}`}
      </p>
      <AffectedAlerts preview={preview} />
    </>
  );
}

export function AffectedAlerts({ preview }: { preview: SilencePreview }) {
  const rest = preview.matched - preview.alerts.length;
  return (
    <ul className="plain-list affected">
      {preview.alerts.map((alert) => (
        <li key={alert.fingerprint} className="row">
          <State of={alert.state} />
          <Link className="wrap" to={`/alert/${alert.fingerprint}`}>
            {alert.labels.alertname ?? alert.fingerprint}
          </Link>
          <Labels labels={alert.labels} without={["alertname"]} />
        </li>
      ))}
      {rest > 0 && <li className="dim">{words.andMore(rest)}</li>}
    </ul>
  );
}
