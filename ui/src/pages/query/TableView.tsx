// The answer as a table: one row for each series, histograms with their buckets.
import { useMemo, useState } from "react";
import type { Histogram, InstantSample, QueryData } from "../../api/types.gen";
import { bucketName } from "../../charts/heat";
import { type Column, DataTable } from "../../kit/DataTable";
import { formatMetric, parseValue } from "../../kit/format";
import { Labels } from "../../kit/Labels";
import { text } from "../../text";

const words = text.explore;

interface Row {
  key: string;
  labels: Record<string, string>;
  value: string;
  histogram?: Histogram;
}

function rowsOf(data: QueryData): Row[] {
  switch (data.resultType) {
    case "scalar":
    case "string":
      return [{ key: words.scalar, labels: {}, value: data.result[1] }];
    case "vector":
      return data.result.map(rowOf);
    case "matrix":
      return data.result.map((series) => ({
        key: formatMetric(series.metric),
        labels: series.metric,
        value: (series.values ?? []).map(([time, value]) => `${value} @${time}`).join("\n"),
        ...(series.histograms?.[0] ? { histogram: series.histograms[series.histograms.length - 1]?.[1] } : {}),
      }));
  }
}

function rowOf(sample: InstantSample): Row {
  const key = formatMetric(sample.metric);
  if (sample.histogram) {
    const histogram = sample.histogram[1];
    return {
      key,
      labels: sample.metric,
      value: `${words.count} ${histogram.count}, ${words.sum} ${histogram.sum}`,
      histogram,
    };
  }
  return { key, labels: sample.metric, value: sample.value?.[1] ?? "" };
}

function Metric({ labels }: { labels: Record<string, string> }) {
  const { __name__: name, ...rest } = labels;
  return (
    <span className="row" style={{ gap: 6 }}>
      {name !== undefined && <b className="mono wrap">{name}</b>}
      {(name === undefined || Object.keys(rest).length > 0) && <Labels labels={rest} />}
    </span>
  );
}

/** An answer as rows to export: a time and a value each, whatever its type. */
export function exportRows(data: QueryData): Exported[] {
  switch (data.resultType) {
    case "scalar":
    case "string":
      return [{ series: data.resultType, time: data.result[0], value: data.result[1] }];
    case "vector":
      return data.result.map((sample) => {
        const [time, value] = sample.value ?? [sample.histogram?.[0] ?? 0, rowOf(sample).value];
        return { series: formatMetric(sample.metric), time, value };
      });
    case "matrix":
      return data.result.flatMap((one) =>
        (one.values ?? []).map(([time, value]) => ({ series: formatMetric(one.metric), time, value })),
      );
  }
}

interface Exported {
  series: string;
  time: number;
  value: string;
}

export const exportColumns: ReadonlyArray<Column<Exported>> = [
  { key: "series", title: words.series, render: (row) => row.series, text: (row) => row.series },
  {
    key: "time",
    title: words.moment,
    render: (row) => row.time,
    text: (row) => new Date(row.time * 1000).toISOString(),
  },
  { key: "value", title: words.value, render: (row) => row.value, text: (row) => row.value },
];

const columns: ReadonlyArray<Column<Row>> = [
  {
    key: "series",
    title: words.series,
    sort: "series",
    render: (row) => <Metric labels={row.labels} />,
    text: (row) => row.key,
  },
  {
    key: "value",
    title: words.value,
    width: "34%",
    sort: "value",
    numeric: true,
    render: (row) => (
      <>
        <span className="mono wrap" style={{ whiteSpace: "pre-line" }}>
          {row.value.slice(0, 5000)}
        </span>
        {row.histogram && <Buckets of={row.histogram} />}
      </>
    ),
    text: (row) => row.value,
  },
];

export function TableView({ data }: { data: QueryData }) {
  const [sort, setSort] = useState("");
  const rows = useMemo(() => {
    const all = rowsOf(data);
    const sign = sort.startsWith("-") ? -1 : 1;
    if (sort.endsWith("value")) all.sort((a, b) => sign * compare(parseValue(a.value), parseValue(b.value)));
    else if (sort.endsWith("series")) all.sort((a, b) => sign * a.key.localeCompare(b.key));
    return all;
  }, [data, sort]);
  return (
    <DataTable
      caption={words.tabs.table}
      columns={columns}
      rows={rows}
      keyOf={(row) => row.key}
      sort={sort}
      onSort={setSort}
    />
  );
}

/** NaN is less than everything. */
function compare(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(b)) - Number(Number.isNaN(a));
  return a < b ? -1 : a > b ? 1 : 0;
}

function Buckets({ of: histogram }: { of: Histogram }) {
  const buckets = histogram.buckets ?? [];
  const max = Math.max(...buckets.map(([, , , count]) => Number(count)), 1e-9);
  return (
    <details>
      <summary>
        {words.buckets} ({buckets.length})
      </summary>
      <table className="facts small">
        <tbody>
          {buckets.map(([rule, lower, upper, count]) => (
            <tr key={lower}>
              <td className="mono">{bucketName(rule, lower, upper)}</td>
              <td className="numeric mono">
                {count}
                <svg width="60" height="8" aria-hidden="true" style={{ marginLeft: 6 }}>
                  <rect width={(Number(count) / max) * 60} height="8" fill="var(--accent)" />
                </svg>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
