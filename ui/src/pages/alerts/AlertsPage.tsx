// Alerts now: in the groups that notify, by rule, by label, or flat.
import { useMemo, useState } from "react";
import { Link } from "react-router";
import { useBoot, useGet } from "../../api/hooks";
import type { AlertRow } from "../../api/types.gen";
import { AlertDetail } from "../../kit/AlertDetail";
import { CopyButton } from "../../kit/Copy";
import type { Column, Group } from "../../kit/DataTable";
import { formatMetric, formatNumber, parseValue, quote } from "../../kit/format";
import { Labels } from "../../kit/Labels";
import { ListPage } from "../../kit/ListPage";
import { Button, Drawer } from "../../kit/mantine";
import { Select } from "../../kit/Select";
import { State } from "../../kit/State";
import { Acknowledge } from "../../kit/silence/Acknowledge";
import { isAcknowledgement } from "../../kit/silence/acknowledged";
import { rowsFor, rowsText } from "../../kit/silence/matchers";
import { SilenceForm } from "../../kit/silence/SilenceForm";
import { defaultSpan } from "../../kit/silence/span";
import { Empty } from "../../kit/states";
import { Ago } from "../../kit/Time";
import { text } from "../../text";
import { emptyPanel, writePanels } from "../../url/panels";
import { usePageState } from "../../url/state";

const words = text.alerts;
type By = "group" | "rule" | "labels" | "alert";
const choices = Object.entries(words.byWords).map(([value, label]) => ({ value, label }));

function columnsFor(by: By, acknowledgements: ReadonlySet<string>): ReadonlyArray<Column<AlertRow>> {
  const columns: Array<Column<AlertRow>> = [
    {
      key: "state",
      title: words.columns.state,
      width: "148px",
      sort: "state",
      render: (row) => (
        <span className="labels">
          <State of={row.state} />
          {row.silencedBy.some((id) => acknowledgements.has(id)) && <State of="acknowledged" />}
        </span>
      ),
      text: (row) => row.state,
    },
    {
      key: "name",
      title: words.columns.name,
      width: "22%",
      sort: "name",
      render: (row) => (
        <Link className="wrap" to={`/alert/${row.fingerprint}`}>
          {row.labels.alertname ?? row.fingerprint}
        </Link>
      ),
      text: (row) => row.labels.alertname ?? "",
    },
    {
      key: "labels",
      title: words.columns.labels,
      render: (row) => (
        <>
          <Labels labels={row.labels} without={["alertname"]} />
          {row.annotations.summary !== undefined && (
            <p className="small dim wrap error-line">{row.annotations.summary}</p>
          )}
        </>
      ),
      text: (row) => formatMetric(row.labels),
    },
    {
      key: "since",
      title: words.columns.since,
      width: "104px",
      sort: "since",
      render: (row) => <Ago at={row.since} />,
      text: (row) => row.since,
    },
    {
      key: "value",
      title: words.columns.value,
      width: "88px",
      numeric: true,
      render: (row) => (row.value ? formatNumber(parseValue(row.value)) : ""),
      text: (row) => row.value ?? "",
    },
  ];
  if (by !== "group") {
    columns.push({
      key: "receivers",
      title: words.columns.receivers,
      width: "20%",
      render: (row) => <span className="small wrap">{row.receivers.join(", ")}</span>,
      text: (row) => row.receivers.join(" "),
    });
  }
  return columns;
}

/** The head that a row stands under. */
function groupOf(row: AlertRow, by: By, names: readonly string[], isReadOnly: boolean): Group | null {
  if (by === "group") {
    if (!row.group) return { key: "", name: words.noGroup, head: words.noGroup };
    const { group } = row;
    return {
      key: group.receiver + group.key,
      name: `${group.receiver} ${formatMetric(group.labels)}`.slice(0, 300),
      head: (
        <span className="row">
          <span className="wrap">{group.receiver}</span>
          <Labels labels={group.labels} />
          <span className="small dim">
            {words.nextFlush} <Ago at={group.nextFlush} />
          </span>
          {!isReadOnly && Object.keys(group.labels).length > 0 && (
            <Link
              className="small"
              to={`/silences/new?${new URLSearchParams({ filter: rowsText(rowsFor([group.labels])) })}`}
            >
              {text.silences.silenceGroup}
            </Link>
          )}
        </span>
      ),
    };
  }
  if (by === "rule") {
    const name = row.rule ? `${row.rule.group} / ${row.rule.name}` : (row.labels.alertname ?? "");
    return { key: name, name, head: <span className="wrap">{name}</span> };
  }
  if (by === "labels") {
    const labels = Object.fromEntries(names.map((name) => [name, row.labels[name] ?? ""]));
    return { key: JSON.stringify(labels), name: formatMetric(labels).slice(0, 300), head: <Labels labels={labels} /> };
  }
  return null;
}

const facets = [
  {
    key: "state",
    title: words.state,
    values: ["firing", "pending", "silenced", "inhibited", "muted"],
    hasButtons: true,
  },
  { key: "receiver", title: words.columns.receivers, values: [], hasButtons: false },
];

const sorts: Record<By, string> = { group: "group", rule: "name", labels: "name", alert: "urgency" };

export default function AlertsPage() {
  const state = usePageState();
  const asked = state.get("by");
  const labelNames = state.get("group");
  // A link may name the labels alone.
  const otherwise = labelNames === "" ? "group" : "labels";
  const by: By = choices.some(({ value }) => value === asked) ? (asked as By) : otherwise;
  const names = useMemo(() => (labelNames === "" ? ["alertname"] : labelNames.split(",").slice(0, 20)), [labelNames]);
  const isReadOnly = useBoot().data?.me.isReadOnly ?? true;
  const acknowledgements = useAcknowledgements();
  const columns = useMemo(() => columnsFor(by, acknowledgements), [by, acknowledgements]);
  const group = useMemo(() => (row: AlertRow) => groupOf(row, by, names, isReadOnly), [by, names, isReadOnly]);
  const [silenced, setSilenced] = useState<Chosen | null>(null);
  const [acknowledged, setAcknowledged] = useState<Chosen | null>(null);
  return (
    <>
      <ListPage
        path="/api/keepwatch/v1/alerts"
        title={text.shell.pages.alerts}
        name="alerts"
        columns={columns}
        keyOf={(row) => `${row.fingerprint} ${row.group?.receiver ?? ""} ${row.group?.key ?? ""}`}
        nameOf={(row) => row.labels.alertname ?? row.fingerprint}
        facets={facets}
        extra={by === "group" ? { by: "group" } : {}}
        defaultSort={sorts[by]}
        {...(by === "alert" ? {} : { groupOf: group })}
        detail={(row) => <AlertDetail alert={row} linksToPage />}
        actions={
          <Select
            label={words.by}
            options={choices}
            value={by}
            onChange={(value) => state.set({ by: value === otherwise ? null : value, sort: null, folded: null })}
          />
        }
        told={({ state }) => [words.firingCount(state?.firing ?? 0)]}
        empty={
          <Empty title={words.none} action={<Link to="/rules">{words.toRules}</Link>}>
            {words.noneWhy}
          </Empty>
        }
        {...(isReadOnly
          ? {}
          : {
              selectionBar: (alerts: AlertRow[], clear: () => void) => (
                <>
                  <Button size="compact-sm" data-silence onClick={() => setSilenced({ alerts, clear })}>
                    {text.silences.silence}
                  </Button>
                  <Button size="compact-sm" variant="default" onClick={() => setAcknowledged({ alerts, clear })}>
                    {text.silences.acknowledge}
                  </Button>
                  <CopyButton
                    label={words.copyLabels}
                    value={() => alerts.map((alert) => formatMetric(alert.labels)).join("\n")}
                  />
                  <Link className="small" to={queryOf(alerts)}>
                    {words.openInQuery}
                  </Link>
                </>
              ),
            })}
      />
      <Acknowledge
        alerts={acknowledged?.alerts ?? null}
        onDone={() => acknowledged?.clear()}
        onClose={() => setAcknowledged(null)}
      />
      <Drawer
        opened={silenced !== null}
        onClose={() => setSilenced(null)}
        position="right"
        size="xl"
        title={text.silences.silenceTitle(silenced?.alerts.length ?? 0)}
        closeButtonProps={{ "aria-label": text.close }}
      >
        {silenced && (
          <SilenceForm
            initial={{
              rows: rowsFor(silenced.alerts.map((alert) => alert.labels)),
              span: defaultSpan,
              comment: "",
            }}
            onDone={() => {
              silenced.clear();
              setSilenced(null);
            }}
            onCancel={() => setSilenced(null)}
          />
        )}
      </Drawer>
    </>
  );
}

const panelsMax = 10;

/** A panel for each rule; alerts that others posted have left a trace only if they were scraped somewhere. */
function queryOf(alerts: readonly AlertRow[]): string {
  const expressions = new Set(
    alerts.map(({ rule, labels }) => rule?.expression ?? `ALERTS{alertname=${quote(labels.alertname ?? "")}}`),
  );
  const panels = [...expressions].slice(0, panelsMax);
  return `/query?${writePanels(panels.map((expression) => ({ ...emptyPanel, expression, tab: "graph" as const })))}`;
}

interface Chosen {
  alerts: readonly AlertRow[];
  clear: () => void;
}

/** Ids of silences that are acknowledgements. */
function useAcknowledgements(): ReadonlySet<string> {
  const params = { q: "@state:active acknowledged", limit: "1000" };
  const rows = useGet("/api/keepwatch/v1/silences", params, { live: true }).data?.data.rows;
  return useMemo(() => new Set((rows ?? []).filter(isAcknowledgement).map((row) => row.id)), [rows]);
}
