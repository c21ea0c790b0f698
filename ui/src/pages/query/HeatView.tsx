// Histograms as heatmaps: buckets over time, the count as colour; the same as a table and as a sentence.
import { useMemo, useState } from "react";
import type { RangeSeries } from "../../api/types.gen";
import type { Zoom } from "../../charts/frame";
import { HeatPlot } from "../../charts/HeatPlot";
import { type Bucket, type Heat, heatOf, shade, shadeSteps } from "../../charts/heat";
import { heatColor } from "../../charts/palette";
import { type Column, DataTable } from "../../kit/DataTable";
import { formatCount, formatInstant, formatMetric, formatNumber } from "../../kit/format";
import { useSettings } from "../../kit/settings";
import { text } from "../../text";
import type { Panel } from "../../url/panels";
import type { Ran } from "./ask";
import { ExemplarBar, ExemplarMarks, useExemplars } from "./Exemplars";

const words = text.explore;
/** Beyond these nobody compares by eye; a sum or a filter is of more use. */
const drawnMax = 8;

interface HeatViewProps extends Zoom {
  series: readonly RangeSeries[];
  ran: Ran;
  panel: Panel;
}

export function HeatView({ series, ran, panel, onZoom, onZoomOut }: HeatViewProps) {
  const { zone } = useSettings();
  const { from, to, step } = ran;
  const heats = useMemo(
    () => series.slice(0, drawnMax).map((one) => heatOf(one, { from, to, step })),
    [series, from, to, step],
  );
  const only = heats.length === 1 ? heats[0] : undefined;
  const exemplars = useExemplars(panel, ran, only);
  const max = Math.max(...heats.map((heat) => heat.max));
  const about = ({ buckets, peak }: Heat): string => {
    if (!peak) return words.heat.empty;
    const [first, last] = [buckets[0], buckets[buckets.length - 1]];
    const span = [last?.lower, first?.upper].map((edge) => formatNumber(edge ?? Number.NaN));
    return [
      words.heat.buckets(buckets.length, span[0] ?? "", span[1] ?? ""),
      words.heat.peak(formatNumber(peak.count), peak.name, formatInstant(peak.time * 1000, zone)),
    ].join(" ");
  };
  return (
    <>
      {series.length > drawnMax && <p className="small">{words.tooMany(drawnMax, formatCount(series.length))}</p>}
      {max > 0 && <Scale max={max} />}
      {heats.map((heat, index) => {
        const name = formatMetric(heat.labels);
        const times = [from, to].map((seconds) => formatInstant(seconds * 1000, zone));
        return (
          <section key={index} aria-label={name}>
            <h3 className="mono wrap">{name}</h3>
            <p className="small dim">{about(heat)}</p>
            <HeatPlot
              heat={heat}
              max={max}
              from={from}
              to={to}
              height={heats.length === 1 ? 320 : 200}
              label={words.heat.chart(name.slice(0, 200), times[0] ?? "", times[1] ?? "", about(heat))}
              onZoom={onZoom}
              onZoomOut={onZoomOut}
            >
              {only && exemplars && <ExemplarMarks of={exemplars} />}
            </HeatPlot>
            {only && exemplars && <ExemplarBar of={exemplars} />}
            {heat.buckets.length > 0 && (
              <details open={heats.length === 1}>
                <summary>
                  {words.buckets} ({heat.buckets.length})
                </summary>
                <BucketTable buckets={heat.buckets} name={name} />
              </details>
            )}
          </section>
        );
      })}
      {exemplars && !only && <p className="small dim">{words.exemplars.onlyOne}</p>}
      <p className="small dim">{words.chartHint}</p>
    </>
  );
}

/** What the colours mean. */
function Scale({ max }: { max: number }) {
  const { theme } = useSettings();
  const isDark = theme === "dark" || document.documentElement.dataset.mantineColorScheme === "dark";
  return (
    <ul className="heat-scale small" aria-label={words.heat.scale}>
      {shadeSteps(max).map((count) => (
        <li key={count}>
          <svg width="18" height="12" aria-hidden="true">
            <rect width="18" height="12" fill={heatColor(shade(count, max), isDark)} />
          </svg>{" "}
          {formatNumber(count)}
        </li>
      ))}
    </ul>
  );
}

const figures = ["last", "average", "max"] as const;
const columns: ReadonlyArray<Column<Bucket>> = [
  {
    key: "bucket",
    title: words.heat.bucket,
    sort: "bucket",
    render: (row) => <span className="mono wrap">{row.name}</span>,
  },
  ...figures.map(
    (figure): Column<Bucket> => ({
      key: figure,
      title: words[figure],
      width: "92px",
      sort: figure,
      numeric: true,
      render: (row) => formatNumber(row[figure]),
    }),
  ),
];

function BucketTable({ buckets, name }: { buckets: readonly Bucket[]; name: string }) {
  const [sort, setSort] = useState("");
  const rows = useMemo(() => {
    const by = figures.find((figure) => sort.endsWith(figure)) ?? "upper";
    const sign = sort.startsWith("-") ? -1 : 1;
    return sort === "" ? buckets : [...buckets].sort((a, b) => sign * (a[by] - b[by]));
  }, [buckets, sort]);
  return (
    <DataTable
      caption={`${words.buckets}: ${name.slice(0, 200)}`}
      columns={columns}
      rows={rows}
      keyOf={(row) => row.name}
      sort={sort}
      onSort={setSort}
    />
  );
}
