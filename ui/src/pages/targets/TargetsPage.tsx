// Targets: what is scraped, by job.
import { Link } from "react-router";
import type { TargetRow } from "../../api/types.gen";
import type { Column } from "../../kit/DataTable";
import { shortDuration } from "../../kit/duration";
import { formatCount, formatMetric } from "../../kit/format";
import { Labels } from "../../kit/Labels";
import { ListPage } from "../../kit/ListPage";
import { Select } from "../../kit/Select";
import { State } from "../../kit/State";
import { Empty } from "../../kit/states";
import { Ago } from "../../kit/Time";
import { text } from "../../text";
import { usePageState } from "../../url/state";
import { TargetDetail } from "./TargetDetail";

const words = text.collect;

const columns: ReadonlyArray<Column<TargetRow>> = [
  {
    key: "health",
    title: words.columns.health,
    width: "108px",
    sort: "health",
    render: (row) => <State of={row.health} />,
    text: (row) => row.health,
  },
  {
    key: "url",
    title: words.columns.url,
    width: "28%",
    sort: "url",
    render: (row) => (
      <>
        <a className="mono wrap" href={safeUrl(row.globalUrl)} rel="noreferrer" target="_blank">
          {row.scrapeUrl}
        </a>
        {row.lastError !== "" && <p className="bad small wrap error-line">{row.lastError}</p>}
      </>
    ),
    text: (row) => row.scrapeUrl,
  },
  {
    key: "labels",
    title: words.columns.labels,
    render: (row) => <Labels labels={row.labels} />,
    text: (row) => formatMetric(row.labels),
  },
  {
    key: "last",
    title: words.columns.last,
    width: "112px",
    sort: "last",
    render: (row) => <Ago at={row.lastScrape} />,
    text: (row) => row.lastScrape,
  },
  {
    key: "duration",
    title: words.columns.duration,
    width: "84px",
    sort: "duration",
    numeric: true,
    render: (row) => shortDuration(row.lastScrapeDuration * 1000),
    text: (row) => String(row.lastScrapeDuration),
  },
  {
    key: "samples",
    title: words.columns.samples,
    width: "84px",
    sort: "samples",
    numeric: true,
    render: (row) => formatCount(row.samplesScraped),
    text: (row) => String(row.samplesScraped),
  },
];

/** Addresses come from discovery: only the web's own schemes become links. */
function safeUrl(url: string): string | undefined {
  return /^https?:\/\//i.test(url) ? url : undefined;
}

const facets = [
  { key: "health", title: words.health, values: ["up", "down", "unknown"], hasButtons: true },
  { key: "pool", title: words.columns.pool, values: [], hasButtons: false },
];

const choices = Object.entries(words.by).map(([value, label]) => ({ value, label }));

export default function TargetsPage() {
  const state = usePageState();
  const isFlat = state.get("by") === "none";
  return (
    <ListPage
      path="/api/keepwatch/v1/targets"
      title={text.shell.pages.targets}
      name="targets"
      columns={columns}
      keyOf={(row) => `${row.scrapePool} ${row.scrapeUrl} ${formatMetric(row.labels)}`}
      nameOf={(row) => row.scrapeUrl}
      facets={facets}
      defaultSort={isFlat ? "health" : "pool"}
      {...(isFlat ? {} : { groupOf })}
      actions={
        <Select
          label={words.byTitle}
          options={choices}
          value={isFlat ? "none" : "pool"}
          onChange={(value) => state.set({ by: value === "pool" ? null : value, folded: null })}
        />
      }
      detail={(row) => <TargetDetail pool={row.scrapePool} discovered={row.discoveredLabels} target={row} />}
      empty={
        <Empty title={words.noTargets} action={<Link to="/discovery">{words.toDiscovery}</Link>}>
          {words.noTargetsWhy}
        </Empty>
      }
    />
  );
}

type Counts = Record<string, Record<string, number>>;

const groupOf = ({ scrapePool: pool }: TargetRow, { pool: all, up }: Counts) => ({
  key: pool,
  name: pool,
  head: <PoolHead pool={pool} up={up?.[pool] ?? 0} all={all?.[pool] ?? 0} />,
});

function PoolHead({ pool, up, all }: { pool: string; up: number; all: number }) {
  return (
    <span className="row apart">
      <span className="row">
        <span className="wrap">{pool}</span>
        <span className={`small ${up < all ? "bad" : "dim"}`}>{words.ofPool(up, all)}</span>
      </span>
      <span className="row small">
        <Link to={`/discovery?${new URLSearchParams({ pool })}`}>{text.shell.pages.discovery}</Link>
      </span>
    </span>
  );
}
