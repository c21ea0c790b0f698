// The value of the rule over time, with what it is compared with, and when the alert fired.
import { useMemo } from "react";
import { Link } from "react-router";
import { useGet } from "../../api/hooks";
import type { AlertRow, AlertTimeline } from "../../api/types.gen";
import { align, summarize } from "../../charts/align";
import { Plot } from "../../charts/Plot";
import { formatInstant, formatNumber, parseInstant } from "../../kit/format";
import { place } from "../../kit/journal/range";
import { useSettings } from "../../kit/settings";
import { Failed, Shown } from "../../kit/states";
import { text } from "../../text";
import { emptyPanel, writePanels } from "../../url/panels";
import { comparedOf, seriesOf } from "./threshold";

const words = text.alerts.graphOf;
const points = 250;
const drawnMax = 20;

interface AlertGraphProps {
  alert: AlertRow;
  expression: string;
  fromMs: number;
  toMs: number;
  isLive: boolean;
  timeline: AlertTimeline | undefined;
  onRange: (fromMs: number, toMs: number) => void;
}

export function AlertGraph(props: AlertGraphProps) {
  const { expression, fromMs, toMs, isLive } = props;
  const explained = useGet("/api/keepwatch/v1/query/explain", { query: expression });
  const compared = useMemo(
    () => explained.data && comparedOf(explained.data.data, expression),
    [explained.data, expression],
  );
  const step = Math.max(Math.ceil((toMs - fromMs) / 1000 / points), 1);
  // Up to the end, which moves every few seconds only: with a coarse grid what has just fired would not be on it.
  const to = Math.floor(toMs / 1000);
  const from = to - Math.floor((toMs - fromMs) / 1000 / step) * step;
  const found = useGet(
    "/api/v1/query_range",
    { query: compared?.expression ?? "", start: String(from), end: String(to), step: String(step) },
    { enabled: compared !== undefined, live: isLive },
  );
  return (
    <section>
      <h2>{words.title}</h2>
      {explained.error !== null && <Failed error={explained.error} onRetry={() => void explained.refetch()} />}
      <Shown of={found} lines={4}>
        {() =>
          compared && found.data?.data.resultType === "matrix" ? (
            <Drawn {...props} compared={compared} series={found.data.data.result} grid={{ from, to, step }} />
          ) : null
        }
      </Shown>
    </section>
  );
}

interface DrawnProps extends AlertGraphProps {
  compared: ReturnType<typeof comparedOf>;
  series: Parameters<typeof align>[0];
  grid: { from: number; to: number; step: number };
}

function Drawn({ alert, compared, series, grid: { from, to, step }, timeline, onRange }: DrawnProps) {
  const { zone } = useSettings();
  const own = useMemo(() => seriesOf(series, alert.labels), [series, alert.labels]);
  const grid = useMemo(() => {
    const values = align(own.slice(0, drawnMax), from, to, step);
    if (compared.threshold === null) return values;
    const line = {
      labels: { threshold: String(compared.threshold) },
      values: values.times.map(() => compared.threshold),
    };
    return { ...values, lines: [...values.lines, line] };
  }, [own, from, to, step, compared.threshold]);
  const first = grid.lines[0];
  if (own.length === 0 || !first) return <p className="dim">{words.none}</p>;
  const { last, min, max } = summarize(first.values);
  const number = (value: number | null) => (value === null ? "–" : formatNumber(value));
  const about = [
    words.value(number(last), number(min), number(max)),
    ...(own.length > 1 ? [words.several(own.length)] : []),
    ...(compared.threshold === null ? [] : [words.threshold(compared.operator, formatNumber(compared.threshold))]),
  ].join(" ");
  const times = [from, to].map((seconds) => formatInstant(seconds * 1000, zone));
  const bounds = { fromMs: from * 1000, toMs: to * 1000 };
  const search = writePanels([
    {
      ...emptyPanel,
      expression: compared.expression,
      tab: "graph",
      rangeMs: (to - from) * 1000,
    },
  ]);
  return (
    <>
      <Plot
        grid={grid}
        isHidden={noneHidden}
        isStacked={false}
        startsAtZero={false}
        from={from}
        to={to}
        label={words.chart(times[0] ?? "", times[1] ?? "", about)}
        onZoom={(start, end) => onRange(start * 1000, Math.max(end, start + 60) * 1000)}
        onZoomOut={() => onRange((from - (to - from) / 2) * 1000, Math.min((to + (to - from) / 2) * 1000, Date.now()))}
      >
        {timeline?.spans.map((span, index) => {
          const at = place(
            bounds,
            parseInstant(span.from) ?? 0,
            span.isOpen ? bounds.toMs : (parseInstant(span.to) ?? 0),
          );
          return (
            at && (
              <span
                key={index}
                className={`shade ${span.state}`}
                style={{ left: `${at.left}%`, width: `${at.width}%` }}
              />
            )
          );
        })}
      </Plot>
      <p className="small dim">
        {about} <Link to={`/query?${search}`}>{text.alerts.runInQuery}</Link>
      </p>
    </>
  );
}

const noneHidden = () => false;
