// Rules: what needs eyes first.
import { useMemo } from "react";
import { Link } from "react-router";
import type { RuleRow } from "../../api/types.gen";
import type { Column, Group } from "../../kit/DataTable";
import { shortDuration } from "../../kit/duration";
import { formatMetric, shortKey } from "../../kit/format";
import { ListPage } from "../../kit/ListPage";
import { Select } from "../../kit/Select";
import { State } from "../../kit/State";
import { Empty } from "../../kit/states";
import { Ago } from "../../kit/Time";
import { text } from "../../text";
import { usePageState } from "../../url/state";
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

type By = "none" | "group" | "file";
const choices = Object.entries(words.rulesBy).map(([value, label]) => ({ value, label }));

function groupOf(row: RuleRow, by: By): Group | null {
  if (by === "none") return null;
  const name = by === "file" ? row.file : row.group;
  return {
    key: by === "file" ? name : `${row.file} ${name}`,
    name,
    head: (
      <span className="row">
        <span className="wrap">{name}</span>
        {by === "group" && <span className="small dim wrap">{row.file}</span>}
      </span>
    ),
  };
}

export default function RulesPage() {
  const state = usePageState();
  const asked = state.get("by");
  const by: By = asked === "group" || asked === "file" ? asked : "none";
  const group = useMemo(() => (by === "none" ? {} : { groupOf: (row: RuleRow) => groupOf(row, by) }), [by]);
  return (
    <ListPage
      path="/api/keepwatch/v1/rules"
      title={text.shell.pages.rules}
      name="rules"
      columns={columns}
      keyOf={(row) => shortKey(`${row.file} ${row.group} ${row.name} ${row.expression} ${formatMetric(row.labels)}`)}
      nameOf={(row) => row.name}
      facets={facets}
      defaultSort="urgency"
      detail={(row) => <RuleDetail rule={row} />}
      {...group}
      actions={
        <Select
          label={words.by}
          options={choices}
          value={by}
          onChange={(value) => state.set({ by: value === "none" ? null : value, folded: null })}
        />
      }
      empty={
        <Empty title={words.noRules} action={<Link to="/config">{words.toConfig}</Link>}>
          {words.noRulesWhy}
        </Empty>
      }
    />
  );
}
