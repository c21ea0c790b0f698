// The query log: what was asked, what waits or runs, and what ran when the process before this one died.
import { type ReactNode, useState } from "react";
import { Link } from "react-router";
import { useBoot, useGet } from "../../api/hooks";
import type { ActiveQuery, Queries } from "../../api/types.gen";
import { type Column, DataTable } from "../../kit/DataTable";
import { shortDuration } from "../../kit/duration";
import { Button, SegmentedControl } from "../../kit/mantine";
import { Page } from "../../kit/Page";
import { Promql } from "../../kit/Promql";
import { Empty, Shown } from "../../kit/states";
import { Ago, Instant } from "../../kit/Time";
import { text } from "../../text";
import { usePageState } from "../../url/state";
import { Finished } from "./Finished";
import { Kill } from "./Kill";

const words = text.explore.queries;

/** Who asked: a client, or a rule group. */
function originOf(query: ActiveQuery): string {
  return "client" in query ? `${query.client} ${query.method} ${query.path}` : `${query.ruleGroup} (${query.ruleFile})`;
}

function columnsFor(onKill: ((query: ActiveQuery) => void) | null): ReadonlyArray<Column<ActiveQuery>> {
  const columns: Array<Column<ActiveQuery>> = [
    { key: "query", title: words.query, render: (row) => <Promql text={row.query.slice(0, 5000)} /> },
    { key: "stage", title: words.stage, width: "130px", render: (row) => `${row.kind}, ${row.stage}` },
    { key: "started", title: words.started, width: "110px", render: (row) => <Ago at={row.startedAt} /> },
    {
      key: "elapsed",
      title: words.elapsed,
      width: "90px",
      numeric: true,
      render: (row) => shortDuration(row.elapsedSeconds * 1000),
    },
    {
      key: "origin",
      title: words.origin,
      width: "22%",
      render: (row) => <span className="wrap">{originOf(row)}</span>,
    },
  ];
  if (onKill !== null) {
    columns.push({
      key: "kill",
      title: words.end,
      width: "90px",
      render: (row) => (
        <Button size="compact-sm" variant="default" onClick={() => onKill(row)}>
          {words.kill}
        </Button>
      ),
    });
  }
  return columns;
}

export default function QueriesPage() {
  const state = usePageState();
  const running = useGet("/api/keepwatch/v1/queries", {}, { live: "figures" }).data?.data.active.length;
  const view = state.get("view") === "running" ? "running" : "finished";
  const actions = (
    <SegmentedControl
      aria-label={words.view}
      data={[
        { value: "finished", label: words.views.finished },
        { value: "running", label: `${words.views.running}${running ? ` (${running})` : ""}` },
      ]}
      value={view}
      onChange={(next) =>
        state.replaceAll(new URLSearchParams(next === "running" ? { view: next } : {}), { push: true })
      }
    />
  );
  return view === "running" ? <Running actions={actions} /> : <Finished actions={actions} />;
}

function Running({ actions }: { actions: ReactNode }) {
  const queries = useGet("/api/keepwatch/v1/queries", {}, { live: "figures" });
  const isReadOnly = useBoot().data?.me.isReadOnly ?? true;
  const [doomed, setDoomed] = useState<ActiveQuery | null>(null);
  return (
    <Page title={text.shell.pages.queries} actions={actions}>
      <Shown of={queries}>
        {({ data }) => (
          <div className="stack">
            <p className="dim small">{words.places(data.active.length, data.concurrentMax)}</p>
            {data.active.length === 0 ? (
              <Empty title={words.none} action={<Link to="/query">{text.shell.pages.query}</Link>} />
            ) : (
              <DataTable
                caption={text.shell.pages.queries}
                columns={columnsFor(isReadOnly ? null : setDoomed)}
                rows={data.active}
                keyOf={(row) => String(row.id)}
              />
            )}
            {data.unfinished.length > 0 && <Unfinished of={data.unfinished} />}
          </div>
        )}
      </Shown>
      <Kill query={doomed} onClose={() => setDoomed(null)} onDone={() => void queries.refetch()} />
    </Page>
  );
}

function Unfinished({ of: list }: { of: Queries["unfinished"] }) {
  return (
    <section>
      <h2>{words.unfinished}</h2>
      <ul className="plain-list">
        {list.map((one, index) => (
          <li key={index} className="card">
            <p className="dim small">
              <Instant at={one.startedAt} />
            </p>
            <Promql text={one.query} />
          </li>
        ))}
      </ul>
    </section>
  );
}
