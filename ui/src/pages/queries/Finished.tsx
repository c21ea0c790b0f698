// What clients have asked since the start, added up by query: the slow and the expensive ones first.
import type { ReactNode } from "react";
import { Link } from "react-router";
import type { RecentQuery } from "../../api/types.gen";
import type { Column } from "../../kit/DataTable";
import { formatDuration, shortDuration } from "../../kit/duration";
import { formatCount, shortKey } from "../../kit/format";
import { ListPage } from "../../kit/ListPage";
import { Promql } from "../../kit/Promql";
import { Empty } from "../../kit/states";
import { Ago } from "../../kit/Time";
import { text } from "../../text";
import { emptyPanel, writePanels } from "../../url/panels";

const words = text.explore.queries;

/** The page Query with the one that took longest, over the times that it asked for. */
function queryOf(row: RecentQuery): string {
  const isRange = row.kind === "range";
  const panel = {
    ...emptyPanel,
    expression: row.query,
    endMs: Math.round(row.slowestEndMs / 1000) * 1000,
    ...(isRange
      ? {
          tab: "graph" as const,
          rangeMs: Math.max(row.slowestEndMs - row.slowestStartMs, 1000),
          resolution: { type: "fixed" as const, seconds: Math.max(row.slowestStepMs / 1000, 0.001) },
        }
      : {}),
  };
  return `/query?${writePanels([panel])}`;
}

const columns: ReadonlyArray<Column<RecentQuery>> = [
  {
    key: "query",
    title: words.query,
    sort: "query",
    render: (row) => (
      <>
        <Promql text={row.query.slice(0, 400)} />
        {row.lastError && <p className="bad small wrap error-line">{row.lastError}</p>}
      </>
    ),
    text: (row) => row.query,
  },
  {
    key: "count",
    title: words.count,
    width: "84px",
    numeric: true,
    sort: "count",
    render: (row) => formatCount(row.count),
    text: (row) => String(row.count),
  },
  {
    key: "failed",
    title: words.failed,
    width: "84px",
    numeric: true,
    sort: "failed",
    render: (row) => (row.failed > 0 ? <span className="bad">{formatCount(row.failed)}</span> : "0"),
    text: (row) => String(row.failed),
  },
  {
    key: "total",
    title: words.total,
    width: "96px",
    numeric: true,
    sort: "total",
    render: (row) => shortDuration(row.secondsTotal * 1000),
    text: (row) => String(row.secondsTotal),
  },
  {
    key: "slowest",
    title: words.slowest,
    width: "96px",
    numeric: true,
    sort: "slowest",
    render: (row) => shortDuration(row.secondsMax * 1000),
    text: (row) => String(row.secondsMax),
  },
  {
    key: "samples",
    title: words.samples,
    width: "104px",
    numeric: true,
    sort: "samples",
    render: (row) => formatCount(row.samplesMax),
    text: (row) => String(row.samplesMax),
  },
  {
    key: "origin",
    title: words.origin,
    width: "14%",
    render: (row) => (
      <span className="small wrap">
        {row.client} {row.path}
      </span>
    ),
    text: (row) => `${row.client} ${row.path}`,
  },
  {
    key: "last",
    title: words.last,
    width: "96px",
    sort: "last",
    render: (row) => <Ago at={row.lastAt} />,
    text: (row) => row.lastAt,
  },
];

const facets = [
  { key: "outcome", title: words.outcome, values: ["ok", "failed"], hasButtons: true },
  { key: "kind", title: words.kind, values: [], hasButtons: false },
  { key: "client", title: words.origin, values: [], hasButtons: false },
];

export function Finished({ actions }: { actions: ReactNode }) {
  return (
    <ListPage
      path="/api/keepwatch/v1/queries/recent"
      title={text.shell.pages.queries}
      name="queries"
      columns={columns}
      keyOf={(row) => shortKey(`${row.kind} ${row.client} ${row.path} ${row.query}`)}
      nameOf={(row) => row.query.slice(0, 200)}
      facets={facets}
      defaultSort="-total"
      actions={actions}
      detail={(row) => <Detail row={row} />}
      empty={
        <Empty title={words.noneYet} action={<Link to="/query">{text.shell.pages.query}</Link>}>
          {words.noneYetWhy}
        </Empty>
      }
    />
  );
}

function Detail({ row }: { row: RecentQuery }) {
  return (
    <div className="stack">
      <Promql text={row.query} />
      {row.lastError && <pre className="bad">{row.lastError}</pre>}
      <p className="small dim">
        {words.mean(shortDuration((row.secondsTotal / row.count) * 1000), formatCount(row.samplesTotal / row.count))}
        {row.kind === "range" &&
          ` ${words.slowestOver(formatDuration(row.slowestEndMs - row.slowestStartMs), formatDuration(row.slowestStepMs))}`}
      </p>
      <p>
        <Link to={queryOf(row)}>{words.toQuery}</Link>
      </p>
    </div>
  );
}
