// Storage: the samples in memory and on disk, what takes the room, and what an administrator may do about it.
import { Link } from "react-router";
import { useBoot, useGet } from "../../api/hooks";
import type { TsdbCount, TsdbStatus } from "../../api/types.gen";
import { formatBytes, formatCount, quote } from "../../kit/format";
import { cut } from "../../kit/Labels";
import { Page } from "../../kit/Page";
import { Shown } from "../../kit/states";
import { Instant } from "../../kit/Time";
import { text } from "../../text";
import { Administration } from "./Administration";
import { Blocks } from "./Blocks";

const words = text.server.storage;
type Top = keyof typeof words.top;

export default function StoragePage() {
  const status = useGet("/api/v1/status/tsdb", { limit: "20" }, { live: true });
  const runtime = useGet("/api/v1/status/runtimeinfo", {}).data?.data;
  const may = useBoot().data?.me.may ?? [];
  return (
    <Page title={text.shell.pages.storage}>
      <div className="stack">
        <Shown of={status}>{({ data }) => <Head stats={data.headStats} retention={runtime?.storageRetention} />}</Shown>
        <Blocks />
        {may.includes("admin") && <Administration onDone={() => void status.refetch()} />}
        {status.data && <Tops status={status.data.data} />}
      </div>
    </Page>
  );
}

/** Go's extremes stand for "no sample". */
function timeOf(ms: number): number | null {
  return Math.abs(ms) > 8.64e15 ? null : ms;
}

function Head({ stats: headStats, retention }: { stats: TsdbStatus["headStats"]; retention: string | undefined }) {
  const facts: Array<[string, React.ReactNode]> = [
    [words.series, formatCount(headStats.numSeries)],
    [words.chunks, formatCount(headStats.chunkCount)],
    [words.pairs, formatCount(headStats.numLabelPairs)],
    [words.from, <Instant key="from" at={timeOf(headStats.minTime)} />],
    [words.to, <Instant key="to" at={timeOf(headStats.maxTime)} />],
  ];
  if (retention) facts.push([text.server.overview.retention, retention]);
  return (
    <section className="card">
      <h2>{words.head}</h2>
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

function Tops({ status }: { status: TsdbStatus }) {
  return (
    <div className="cards wide">
      {(Object.keys(words.top) as Top[]).map((top) => (
        <TopTable key={top} top={top} counts={status[top]} all={status.headStats.numSeries} />
      ))}
    </div>
  );
}

/** Where the pages go on from a name. */
function linkOf(top: Top, name: string): string | undefined {
  if (top === "seriesCountByMetricName")
    return `/explore/metrics?${new URLSearchParams({ q: quote(name), metric: name })}`;
  if (top === "seriesCountByLabelValuePair") {
    const at = name.indexOf("=");
    const expression = `count by (__name__) ({${name.slice(0, at)}=${quote(name.slice(at + 1))}})`;
    return `/query?${new URLSearchParams({ "g0.expr": expression, "g0.tab": "table" })}`;
  }
  return undefined;
}

function TopTable({ top, counts, all }: { top: Top; counts: readonly TsdbCount[]; all: number }) {
  const isBytes = top === "memoryInBytesByLabelName";
  const hasShare = top.startsWith("series") && all > 0;
  return (
    <section className="card">
      <h2>{words.top[top]}</h2>
      <table className="facts">
        <thead>
          <tr>
            <th scope="col">{words.name}</th>
            <th scope="col" className="numeric">
              {isBytes ? words.bytes : words.count}
            </th>
            {hasShare && (
              <th scope="col" className="numeric">
                {words.share}
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {counts.map((count) => {
            const link = linkOf(top, count.name);
            return (
              <tr key={count.name}>
                <td className="mono wrap">{link ? <Link to={link}>{cut(count.name)}</Link> : cut(count.name)}</td>
                <td className="numeric">{isBytes ? formatBytes(count.value) : formatCount(count.value)}</td>
                {hasShare && <td className="numeric dim">{((count.value / all) * 100).toFixed(1)} %</td>}
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}
