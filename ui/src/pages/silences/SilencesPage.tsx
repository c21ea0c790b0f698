// All silences: what each hides, who made it and why, when it ends; ended and extended one by one or in bulk.
import { useState } from "react";
import { Link } from "react-router";
import { useBoot } from "../../api/hooks";
import type { SilenceRow } from "../../api/types.gen";
import type { Column } from "../../kit/DataTable";
import { formatCount, parseInstant } from "../../kit/format";
import { Icon } from "../../kit/Icon";
import { ListPage } from "../../kit/ListPage";
import { Button } from "../../kit/mantine";
import { State } from "../../kit/State";
import { isAcknowledgement } from "../../kit/silence/acknowledged";
import { Matchers } from "../../kit/silence/Matchers";
import { rowOf, rowText } from "../../kit/silence/matchers";
import { stoppedText } from "../../kit/silence/stopped";
import { Empty } from "../../kit/states";
import { Ago, useNow } from "../../kit/Time";
import { text } from "../../text";
import { type Asked, Bulk, type BulkKind } from "./Bulk";
import { SilenceDetail } from "./SilenceDetail";

const words = text.silences;
const soonMs = 3_600_000;

function matchersText(row: SilenceRow): string {
  return row.matcherSets.map((set) => set.map((matcher) => rowText(rowOf(matcher))).join(", ")).join(" or ");
}

/** Amber for the last hour of an active one, unless the server makes it longer; the mark says it to who sees no
 *  colours. */
function Ends({ row }: { row: SilenceRow }) {
  const now = useNow();
  const isSoon = row.state === "active" && !isAcknowledgement(row) && (parseInstant(row.endsAt) ?? 0) - now < soonMs;
  if (!isSoon) return <Ago at={row.endsAt} />;
  return (
    <span className="state warn" title={words.ending}>
      <Icon name="wait" size={13} />
      <Ago at={row.endsAt} />
    </span>
  );
}

const columns: ReadonlyArray<Column<SilenceRow>> = [
  {
    key: "state",
    title: words.columns.state,
    width: "148px",
    sort: "state",
    render: (row) => (
      <span className="labels">
        <State of={row.state} />
        {isAcknowledgement(row) && <State of="acknowledged" />}
      </span>
    ),
    text: (row) => row.state,
  },
  {
    key: "matchers",
    title: words.columns.matchers,
    render: (row) => (
      <Link className="plain-link" to={`/silences/${row.id}`}>
        <Matchers sets={row.matcherSets} />
      </Link>
    ),
    text: matchersText,
  },
  {
    key: "comment",
    title: words.columns.comment,
    width: "16%",
    render: (row) => <span className="wrap">{row.comment.slice(0, 300)}</span>,
    text: (row) => row.comment,
  },
  {
    key: "creator",
    title: words.columns.creator,
    width: "8%",
    sort: "creator",
    render: (row) => <span className="wrap">{row.createdBy.slice(0, 100)}</span>,
    text: (row) => row.createdBy,
  },
  {
    key: "starts",
    title: words.columns.starts,
    width: "92px",
    sort: "starts",
    render: (row) => <Ago at={row.startsAt} />,
    text: (row) => row.startsAt,
  },
  {
    key: "ends",
    title: words.columns.ends,
    width: "118px",
    sort: "ends",
    render: (row) => <Ends row={row} />,
    text: (row) => row.endsAt,
  },
  {
    key: "affects",
    title: words.columns.affects,
    width: "76px",
    sort: "affects",
    numeric: true,
    render: (row) => formatCount(row.affects),
    text: (row) => String(row.affects),
  },
  {
    key: "stopped",
    title: words.columns.stopped,
    width: "86px",
    sort: "stopped",
    numeric: true,
    render: stoppedText,
    text: stoppedText,
  },
];

const facets = [
  { key: "state", title: words.columns.state, values: ["active", "pending", "expired"], hasButtons: true },
  { key: "creator", title: words.columns.creator, values: [], hasButtons: false },
];

export default function SilencesPage() {
  const isReadOnly = useBoot().data?.me.isReadOnly ?? true;
  const [asked, setAsked] = useState<Asked | null>(null);
  const ask = (kind: BulkKind, of: readonly SilenceRow[]) => setAsked({ kind, of });
  const toNew = <Link to="/silences/new">{words.new}</Link>;
  return (
    <>
      <ListPage
        path="/api/keepwatch/v1/silences"
        title={words.title}
        name="silences"
        columns={columns}
        keyOf={(row) => row.id}
        nameOf={(row) => matchersText(row).slice(0, 200)}
        facets={facets}
        defaultSort="state"
        detail={(row) => <SilenceDetail silence={row} onAsk={setAsked} />}
        actions={isReadOnly ? undefined : toNew}
        {...(isReadOnly
          ? {}
          : {
              selectionBar: (rows: readonly SilenceRow[]) => (
                <>
                  <Button size="compact-sm" onClick={() => ask("extend", rows)}>
                    {words.extend}
                  </Button>
                  <Button size="compact-sm" variant="default" onClick={() => ask("expire", rows)}>
                    {words.expire}
                  </Button>
                </>
              ),
            })}
        empty={
          <Empty title={words.none} action={isReadOnly ? undefined : toNew}>
            {words.noneWhy}
          </Empty>
        }
      />
      <Bulk asked={asked} onClose={() => setAsked(null)} />
    </>
  );
}
