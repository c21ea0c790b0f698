// Overview: everything in numbers, and what somebody should look at.
import { useEffect, useState } from "react";
import { Link } from "react-router";
import { useBoot, useGet } from "../../api/hooks";
import type { Attention, Overview } from "../../api/types.gen";
import { Spark } from "../../charts/Spark";
import { formatCount, formatNumber } from "../../kit/format";
import { Icon } from "../../kit/Icon";
import { Page } from "../../kit/Page";
import { Shown } from "../../kit/states";
import { Ago, Instant } from "../../kit/Time";
import { text } from "../../text";
import { AlertmanagerStatus } from "./AlertmanagerStatus";

const words = text.server.overview;
const pointsMax = 60;

/** Samples per second between two answers, newest last. */
function useRates(overview: Overview | undefined): number[] {
  const [heard, setHeard] = useState<Array<{ at: number; total: number }>>([]);
  useEffect(() => {
    if (!overview) return;
    const next = { at: Date.parse(overview.now), total: overview.samplesAppended };
    setHeard((before) => {
      const last = before[before.length - 1];
      if (last && (next.at <= last.at || next.total < last.total))
        return next.total < (last?.total ?? 0) ? [next] : before;
      return [...before, next].slice(-pointsMax);
    });
  }, [overview]);
  return heard.slice(1).map((one, index) => {
    const before = heard[index];
    return before ? ((one.total - before.total) * 1000) / (one.at - before.at) : 0;
  });
}

export default function OverviewPage() {
  const paths = useBoot().data?.paths;
  // An Alertmanager alone has no targets and no samples to sum up.
  return paths !== undefined && !paths.includes("/overview") ? <AlertmanagerStatus /> : <AllInNumbers />;
}

function AllInNumbers() {
  const overview = useGet("/api/keepwatch/v1/overview", {}, { live: "figures" });
  const rates = useRates(overview.data?.data);
  return (
    <Page title={text.shell.pages.overview}>
      <Shown of={overview}>
        {({ data }) => (
          <div className="stack">
            <Figures overview={data} rates={rates} />
            <NeedsAttention items={data.attention} total={data.attentionTotal} />
            <About />
          </div>
        )}
      </Shown>
    </Page>
  );
}

function Figures({ overview, rates }: { overview: Overview; rates: readonly number[] }) {
  const { alerts, targets, rules } = overview;
  const rate = rates[rates.length - 1];
  return (
    <div className="cards">
      <Card title={words.alerts} to="/alerts">
        <p className={`figure ${alerts.firing > 0 ? "bad" : ""}`}>
          {formatCount(alerts.firing)} <small>{words.firing}</small>
        </p>
        <p className="small dim">{words.quiet(alerts.pending, alerts.silenced, alerts.inhibited + alerts.muted)}</p>
      </Card>
      <Card title={words.targets} to={targets.down > 0 ? "/targets?health=down" : "/targets"}>
        <p className={`figure ${targets.down > 0 ? "bad" : ""}`}>
          {words.up(targets.up, targets.up + targets.down + targets.unknown)}
        </p>
        <p className="small dim">{words.down(targets.down, targets.unknown, targets.dropped)}</p>
      </Card>
      <Card title={words.rules} to={rules.failed > 0 ? "/rules?health=err" : "/rules"}>
        <p className={`figure ${rules.failed > 0 ? "bad" : ""}`}>{words.ok(rules.ok)}</p>
        <p className="small dim">{words.failed(rules.failed, rules.unknown)}</p>
      </Card>
      <Card title={words.ingest} to="/storage">
        <p className="figure">
          {rate === undefined ? (
            <small className="dim">{words.measuring}</small>
          ) : (
            words.perSecond(formatNumber(Math.round(rate)))
          )}
        </p>
        <p className="small dim row">
          {words.series(formatCount(overview.series))}
          {rates.length > 1 && <Spark values={rates} label={words.ingestText(formatNumber(Math.round(rate ?? 0)))} />}
        </p>
      </Card>
      <Card title={words.queries} to="/queries">
        <p className="figure">{words.running(overview.queriesRunning)}</p>
      </Card>
      <Card title={words.config} to="/config?view=diff">
        <p className={`figure ${overview.isConfigOk ? "" : "bad"}`}>
          {overview.isConfigOk ? (
            <>
              <small>{words.loaded}</small> <Ago at={overview.configLoadedAt} />
            </>
          ) : (
            words.refused
          )}
        </p>
        <p className="small dim">{words.diff}</p>
      </Card>
      <Card title={words.cluster} to="/peers">
        <p className="figure">{overview.clusterStatus === "disabled" ? words.single : overview.clusterStatus}</p>
      </Card>
    </div>
  );
}

function Card({ title, to, children }: { title: string; to: string; children: React.ReactNode }) {
  return (
    <section className="card">
      <h2 className="small">
        <Link to={to}>{title}</Link>
      </h2>
      {children}
    </section>
  );
}

function NeedsAttention({ items, total }: { items: readonly Attention[]; total: number }) {
  return (
    <section className="card">
      <h2>{words.attention}</h2>
      {items.length === 0 && (
        <p className="row">
          <span className="state ok">
            <Icon name="ok" size={13} />
            {words.attentionNone}
          </span>
        </p>
      )}
      <ul className="plain-list attention">
        {items.map((item, index) => (
          <li key={index}>
            <p className="wrap">
              <Icon name="warn" size={13} /> <b>{item.subject}</b>: {item.message}{" "}
              <Link to={item.page}>{words.show}</Link>
            </p>
            <p className="small dim">
              <code>{item.code}</code>
              {item.since && (
                <>
                  {" · "}
                  <Ago at={item.since} />
                </>
              )}
              {item.hint && <span className="hint"> → {item.hint}</span>}
            </p>
          </li>
        ))}
      </ul>
      {total > items.length && <p className="dim">{words.attentionMore(total - items.length)}</p>}
    </section>
  );
}

function About() {
  const boot = useBoot().data;
  const runtime = useGet("/api/v1/status/runtimeinfo", {}).data?.data;
  if (!boot || !runtime) return null;
  const facts: Array<[string, React.ReactNode]> = [
    [words.version, boot.version],
    [words.started, <Instant key="started" at={boot.startedAt} />],
    [words.url, boot.externalUrl],
    [words.hostname, runtime.hostname],
    [words.directory, runtime.CWD],
    [words.retention, runtime.storageRetention],
  ];
  return (
    <section className="card">
      <h2>{words.about}</h2>
      <table className="facts">
        <tbody>
          {facts.map(([name, value]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{value}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
