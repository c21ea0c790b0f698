// Discovery: everything that was found, kept or dropped, with the rule that decided.
import { Link } from "react-router";
import type { DiscoveredRow } from "../../api/types.gen";
import type { Column } from "../../kit/DataTable";
import { formatMetric } from "../../kit/format";
import { Labels } from "../../kit/Labels";
import { ListPage } from "../../kit/ListPage";
import { RelabelSteps } from "../../kit/RelabelSteps";
import { State } from "../../kit/State";
import { Empty } from "../../kit/states";
import { text } from "../../text";

const words = text.collect;

const columns: ReadonlyArray<Column<DiscoveredRow>> = [
  {
    key: "outcome",
    title: words.columns.outcome,
    width: "118px",
    sort: "outcome",
    render: (row) => <State of={row.outcome} />,
    text: (row) => row.outcome,
  },
  {
    key: "url",
    title: words.columns.url,
    width: "24%",
    render: (row) => <span className="mono wrap">{row.discoveredLabels.__address__}</span>,
    text: (row) => row.discoveredLabels.__address__ ?? "",
  },
  {
    key: "reason",
    title: words.columns.reason,
    sort: "code",
    render: (row) =>
      row.code ? (
        <>
          <span className="mono small">{row.code}</span>
          <p className="small wrap">{row.reason}</p>
        </>
      ) : (
        <Labels labels={row.labels} />
      ),
    text: (row) => row.reason ?? "",
  },
];

const facets = [
  { key: "outcome", title: words.outcome, values: ["kept", "dropped"], hasButtons: true },
  { key: "pool", title: words.columns.pool, values: [], hasButtons: false },
];

type Counts = Record<string, Record<string, number>>;

const groupOf = ({ pool }: DiscoveredRow, { pool: all, kept }: Counts) => ({
  key: pool,
  name: pool,
  head: (
    <span className="row">
      <span className="wrap">{pool}</span>
      <span className="small dim">{words.keptOfPool(kept?.[pool] ?? 0, all?.[pool] ?? 0)}</span>
    </span>
  ),
});

export default function DiscoveryPage() {
  return (
    <ListPage
      path="/api/keepwatch/v1/discovery"
      title={text.shell.pages.discovery}
      name="discovery"
      columns={columns}
      keyOf={(row) => `${row.pool} ${row.outcome} ${formatMetric(row.discoveredLabels)}`}
      nameOf={(row) => row.discoveredLabels.__address__ ?? row.pool}
      facets={facets}
      defaultSort="pool"
      groupOf={groupOf}
      detail={(row) => (
        <div className="stack">
          <div>
            <h3>{text.labels.discovered}</h3>
            <Labels labels={row.discoveredLabels} />
          </div>
          <div>
            <h3>{words.relabelling}</h3>
            <RelabelSteps pool={row.pool} discovered={row.discoveredLabels} />
          </div>
        </div>
      )}
      empty={
        <Empty title={words.noDiscovered} action={<Link to="/config">{words.toConfig}</Link>}>
          {words.noDiscoveredWhy}
        </Empty>
      }
    />
  );
}
