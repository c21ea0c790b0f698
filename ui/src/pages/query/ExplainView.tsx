// How a query is computed: its operators as a tree, and what each costs as a table. Estimated at once, measured when
// somebody asks for it, because that runs the query.
import { useState } from "react";
import { useGet } from "../../api/hooks";
import { formatBytes, formatCount } from "../../kit/format";
import { Button } from "../../kit/mantine";
import { Promql } from "../../kit/Promql";
import { Shown } from "../../kit/states";
import { serverNow } from "../../kit/Time";
import { text } from "../../text";
import { type Panel, stepOf } from "../../url/panels";
import { costOf, type ExplainedRow, type Measure, rowsOf } from "./explained";

const words = text.explore.explain;
const measures: readonly Measure[] = ["series", "samples", "bytes", "seconds"];

function format(measure: Measure, value: number | null): string {
  if (value === null) return "–";
  if (measure === "bytes") return formatBytes(value);
  return measure === "seconds" ? `${(value * 1000).toFixed(value < 0.01 ? 2 : 0)} ms` : formatCount(value);
}

interface ExplainViewProps {
  panel: Panel;
  view: "explain" | "cost";
  onRun: (expression: string) => void;
}

export function ExplainView({ panel, view, onRun }: ExplainViewProps) {
  const { expression } = panel;
  const [measured, setMeasured] = useState<string | null>(null);
  // As it was opened: an explanation does not follow the time.
  const [openedAt] = useState(() => Math.floor(serverNow() / 1000));
  const step = stepOf(panel);
  const end = panel.endMs === null ? openedAt : panel.endMs / 1000;
  const explained = useGet("/api/keepwatch/v1/query/explain", {
    query: expression,
    start: (end - panel.rangeMs / 1000).toFixed(3),
    end: end.toFixed(3),
    step: String(step),
    ...(measured === expression ? { analyze: "true" } : {}),
  });
  return (
    <Shown of={explained} lines={5}>
      {({ data }) => {
        const rows = rowsOf(data, expression);
        return (
          <div className="stack">
            <div className="row">
              <span className="small dim">{data.measured ? words.measured : words.estimated}</span>
              {measured !== expression && (
                <Button size="compact-sm" variant="default" onClick={() => setMeasured(expression)}>
                  {words.measure}
                </Button>
              )}
            </div>
            {view === "explain" ? <Tree rows={rows} onRun={onRun} /> : <Costs rows={rows} />}
          </div>
        );
      }}
    </Shown>
  );
}

function Tree({ rows, onRun }: { rows: readonly ExplainedRow[]; onRun: (expression: string) => void }) {
  return (
    <ol className="explained">
      {rows.map((row) => (
        <li key={row.key} style={{ marginLeft: Math.min(row.depth, 20) * 18 }}>
          <span className="row">
            <b>{row.node.op}</b>
            <span className="dim small wrap">{row.node.detail}</span>
            <span className="small">{words.gives(formatCount(costOf(row, "series") ?? 0))}</span>
            {row.ownSeconds !== null && <span className="small dim">{format("seconds", row.ownSeconds)}</span>}
            {row.depth > 0 && row.expression !== "" && (
              <Button size="compact-xs" variant="subtle" onClick={() => onRun(row.expression)}>
                {words.runPart}
              </Button>
            )}
          </span>
          <Promql text={row.expression.slice(0, 2000)} />
        </li>
      ))}
    </ol>
  );
}

function Costs({ rows }: { rows: readonly ExplainedRow[] }) {
  const most = (measure: Measure) => Math.max(...rows.map((row) => costOf(row, measure) ?? 0), 0);
  const maxima = { series: most("series"), samples: most("samples"), bytes: most("bytes"), seconds: most("seconds") };
  return (
    <table className="table">
      <caption>{words.costs}</caption>
      <thead>
        <tr>
          <th scope="col" style={{ width: "40%" }}>
            {words.operator}
          </th>
          {measures.map((measure) => (
            <th key={measure} scope="col" className="numeric">
              {words.measures[measure]}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.key} className="item">
            <td data-title={words.operator}>
              <div style={{ paddingLeft: Math.min(row.depth, 10) * 10 }}>
                <b>{row.node.op}</b> <code className="dim wrap">{row.expression.slice(0, 120)}</code>
              </div>
            </td>
            {measures.map((measure) => {
              const value = costOf(row, measure);
              const share = maxima[measure] > 0 ? ((value ?? 0) / maxima[measure]) * 100 : 0;
              return (
                <td key={measure} className="numeric" data-title={words.measures[measure]}>
                  <div>
                    {format(measure, value)}
                    <span className="cost-bar" aria-hidden="true" style={{ width: `${share}%` }} />
                  </div>
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
