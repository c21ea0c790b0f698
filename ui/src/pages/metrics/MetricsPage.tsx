// Metrics: what there is, and what makes it many.
import { Link } from "react-router";
import { useGet } from "../../api/hooks";
import type { Cardinality, MetricRow } from "../../api/types.gen";
import { CopyButton } from "../../kit/Copy";
import type { Column } from "../../kit/DataTable";
import { formatCount, quote } from "../../kit/format";
import { ListPage } from "../../kit/ListPage";
import { Empty, Shown } from "../../kit/states";
import { text } from "../../text";
import { dropRule } from "./drop";

const words = text.explore.metrics;

/** A selector of a metric, whatever its name looks like. */
export function selectorOf(name: string): string {
  return /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name) ? name : `{${quote(name)}}`;
}

function queryOf(expression: string): string {
  return `/query?${new URLSearchParams({ "g0.expr": expression, "g0.tab": "graph", "g0.range_input": "1h" })}`;
}

const columns: ReadonlyArray<Column<MetricRow>> = [
  {
    key: "name",
    title: words.columns.name,
    width: "36%",
    sort: "name",
    render: (row) => (
      <Link className="mono wrap" to={queryOf(selectorOf(row.name))}>
        {row.name}
      </Link>
    ),
    text: (row) => row.name,
  },
  {
    key: "kind",
    title: words.columns.kind,
    width: "100px",
    sort: "type",
    render: (row) => row.kind,
    text: (row) => row.kind,
  },
  {
    key: "series",
    title: words.columns.series,
    width: "90px",
    sort: "series",
    numeric: true,
    render: (row) => (typeof row.series === "number" ? formatCount(row.series) : ""),
    text: (row) => String(row.series ?? ""),
  },
  {
    key: "help",
    title: words.columns.help,
    render: (row) => <span className="wrap">{row.help.slice(0, 500)}</span>,
    text: (row) => row.help,
  },
];

const facets = [
  { key: "type", title: words.type, values: ["counter", "gauge", "histogram", "summary"], hasButtons: true },
  { key: "unit", title: words.columns.unit, values: [], hasButtons: false },
];

export default function MetricsPage() {
  return (
    <ListPage
      path="/api/keepwatch/v1/metrics"
      title={text.shell.pages.metrics}
      name="metrics"
      columns={columns}
      keyOf={(row) => row.name}
      nameOf={(row) => row.name}
      facets={facets}
      defaultSort="name"
      detail={(row) => <Detail row={row} />}
      empty={
        <Empty title={words.none} action={<Link to="/targets">{words.toTargets}</Link>}>
          {words.noneWhy}
        </Empty>
      }
    />
  );
}

function Detail({ row }: { row: MetricRow }) {
  const cardinality = useGet("/api/keepwatch/v1/metrics/cardinality", { metric: row.name });
  return (
    <div className="stack">
      <Shown of={cardinality} lines={3}>
        {({ data }) => <LabelList of={data} />}
      </Shown>
      <UsedBy metric={row.name} />
      <Drop row={row} />
    </div>
  );
}

/** Rules with the name in them: what would miss it. */
function UsedBy({ metric }: { metric: string }) {
  const q = quote(metric);
  const rules = useGet("/api/keepwatch/v1/rules", { q, limit: "1" }).data?.data;
  if (!rules) return null;
  return (
    <p>
      {rules.matched === 0 ? (
        <span className="dim">{words.noRules}</span>
      ) : (
        <Link to={`/rules?${new URLSearchParams({ q })}`}>{words.usedBy(rules.matched)}</Link>
      )}
    </p>
  );
}

/** What would keep it from being stored. */
function Drop({ row }: { row: MetricRow }) {
  const rule = dropRule(row.name);
  return (
    <details>
      <summary>{words.drop(formatCount(row.series ?? 0))}</summary>
      <p className="dim">{words.dropAbout}</p>
      <pre>{rule}</pre>
      <p>
        <CopyButton value={rule} label={text.copy} />
      </p>
    </details>
  );
}

const valuesShown = 12;

function LabelList({ of }: { of: Cardinality }) {
  if (of.labels.length === 0) return <p className="dim">{words.noLabels}</p>;
  return (
    <div className="stack">
      <h3>{words.labels}</h3>
      {of.labels.map((label) => (
        <div key={label.name}>
          <p>
            <b className="mono">{label.name}</b> <span className="dim">{words.values(label.values)}</span>
          </p>
          <div className="labels">
            {label.top.slice(0, valuesShown).map(([value, count]) => (
              <Link
                key={value}
                className="label"
                to={queryOf(`{__name__=${quote(of.metric)}, ${label.name}=${quote(value)}}`)}
                title={words.share(`${((count / of.series) * 100).toFixed(1)} %`)}
              >
                {value === "" ? '""' : value.slice(0, 100)} <span className="dim">{formatCount(count)}</span>
              </Link>
            ))}
            {label.values > valuesShown && <span className="dim">{words.more(label.values - valuesShown)}</span>}
          </div>
        </div>
      ))}
    </div>
  );
}
