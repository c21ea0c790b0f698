// Storage: the samples in memory, and what takes the room.
import { Link } from "react-router";
import { useGet } from "../../api/hooks";
import type { TsdbCount, TsdbStatus } from "../../api/types.gen";
import { formatBytes, formatCount, quote } from "../../kit/format";
import { cut } from "../../kit/Labels";
import { Page } from "../../kit/Page";
import { Shown } from "../../kit/states";
import { Instant } from "../../kit/Time";
import { text } from "../../text";

const words = text.server.storage;
type Top = keyof typeof words.top;

export default function StoragePage() {
  const status = useGet("/api/v1/status/tsdb", { limit: "20" }, { live: true });
  return (
    <Page title={text.shell.pages.storage}>
      <Shown of={status}>{({ data }) => <Storage status={data} />}</Shown>
    </Page>
  );
}

/** Go's extremes stand for "no sample". */
function timeOf(ms: number): number | null {
  return Math.abs(ms) > 8.64e15 ? null : ms;
}

function Storage({ status }: { status: TsdbStatus }) {
  const { headStats } = status;
  const facts: Array<[string, React.ReactNode]> = [
    [words.series, formatCount(headStats.numSeries)],
    [words.chunks, formatCount(headStats.chunkCount)],
    [words.pairs, formatCount(headStats.numLabelPairs)],
    [words.from, <Instant key="from" at={timeOf(headStats.minTime)} />],
    [words.to, <Instant key="to" at={timeOf(headStats.maxTime)} />],
  ];
  return (
    <div className="stack">
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
      <div className="cards wide">
        {(Object.keys(words.top) as Top[]).map((top) => (
          <TopTable key={top} top={top} counts={status[top]} all={headStats.numSeries} />
        ))}
      </div>
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
