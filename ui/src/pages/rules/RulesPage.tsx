// Rules: what needs eyes first.
import { Link } from "react-router";
import type { RuleRow } from "../../api/types.gen";
import type { Column } from "../../kit/DataTable";
import { shortDuration } from "../../kit/duration";
import { formatMetric } from "../../kit/format";
import { ListPage } from "../../kit/ListPage";
import { State } from "../../kit/State";
import { Empty } from "../../kit/states";
import { Ago } from "../../kit/Time";
import { text } from "../../text";
import { RuleDetail } from "./RuleDetail";

const words = text.alerts;

const columns: ReadonlyArray<Column<RuleRow>> = [
  {
    key: "state",
    title: words.columns.state,
    width: "116px",
    sort: "urgency",
    render: (row) => <State of={row.health === "err" ? "err" : row.state} />,
    text: (row) => row.state,
  },
  {
    key: "name",
    title: text.shell.pages.rules,
    width: "26%",
    sort: "name",
    render: (row) => (
      <>
        <b className="wrap">{row.name}</b>
        {row.error && <p className="bad small wrap error-line">{row.error}</p>}
      </>
    ),
    text: (row) => row.name,
  },
  {
    key: "group",
    title: words.columns.group,
    width: "16%",
    sort: "group",
    render: (row) => (
      <span className="wrap" title={row.file}>
        {row.group}
      </span>
    ),
    text: (row) => row.group,
  },
  {
    key: "expression",
    title: words.columns.expression,
    render: (row) => (
      <code className="one-line" title={row.expression.slice(0, 1000)}>
        {row.expression.slice(0, 400)}
      </code>
    ),
    text: (row) => row.expression,
  },
  {
    key: "alerts",
    title: words.columns.alerts,
    width: "96px",
    render: (row) =>
      row.kind === "alerting" && (
        <span className="small">
          {row.firing > 0 && <span className="bad">{words.firingCount(row.firing)} </span>}
          {row.pending > 0 && words.pendingCount(row.pending)}
        </span>
      ),
    text: (row) => String(row.firing),
  },
  {
    key: "took",
    title: words.columns.took,
    width: "80px",
    numeric: true,
    sort: "evaluation",
    render: (row) => shortDuration(row.evaluationSeconds * 1000),
    text: (row) => String(row.evaluationSeconds),
  },
  {
    key: "last",
    title: words.columns.last,
    width: "96px",
    sort: "last",
    render: (row) => <Ago at={row.lastEvaluation} />,
    text: (row) => row.lastEvaluation,
  },
];

const facets = [
  { key: "state", title: words.state, values: ["firing", "pending", "inactive"], hasButtons: true },
  { key: "health", title: words.health, values: [], hasButtons: false },
  { key: "type", title: words.type, values: [], hasButtons: false },
];

export default function RulesPage() {
  return (
    <ListPage
      path="/api/keepwatch/v1/rules"
      title={text.shell.pages.rules}
      name="rules"
      columns={columns}
      keyOf={(row) =>
        `${row.file} ${row.group} ${row.name} ${row.expression} ${formatMetric(row.labels)}`.slice(0, 400)
      }
      nameOf={(row) => row.name}
      facets={facets}
      defaultSort="urgency"
      detail={(row) => <RuleDetail rule={row} />}
      empty={
        <Empty title={words.noRules} action={<Link to="/config">{words.toConfig}</Link>}>
          {words.noRulesWhy}
        </Empty>
      }
    />
  );
}
