// The legend: what all lines have in common once, then what tells them apart, with numbers. It is the chart's
// twin as a table.
import { useMemo, useState } from "react";
import { common, type Line, summarize } from "../../charts/align";
import { strokeOf } from "../../charts/palette";
import { type Column, DataTable } from "../../kit/DataTable";
import { formatMetric, formatNumber } from "../../kit/format";
import { Labels } from "../../kit/Labels";
import { useSettings } from "../../kit/settings";
import { text } from "../../text";

const words = text.explore;

interface LegendProps {
  lines: readonly Line[];
  isHidden: (index: number) => boolean;
  pointed: number | null;
  onToggle: (index: number, isOnly: boolean) => void;
}

interface Row {
  index: number;
  labels: Record<string, string>;
  name: string;
  last: number | null;
  average: number | null;
  min: number | null;
  max: number | null;
}

type Figure = "last" | "average" | "min" | "max";
const figures: readonly Figure[] = ["last", "average", "min", "max"];

function sorted(rows: Row[], sort: string): Row[] {
  const name = sort.replace(/^-/, "");
  const sign = sort.startsWith("-") ? -1 : 1;
  const figure = figures.find((one) => one === name);
  if (figure)
    return [...rows].sort(
      (a, b) => sign * ((a[figure] ?? Number.NEGATIVE_INFINITY) - (b[figure] ?? Number.NEGATIVE_INFINITY)),
    );
  if (name === "series") return [...rows].sort((a, b) => sign * a.name.localeCompare(b.name));
  return rows;
}

export function Legend({ lines, isHidden, pointed, onToggle }: LegendProps) {
  const [sort, setSort] = useState("");
  // The theme decides the colours.
  const { theme } = useSettings();
  const isDark = theme === "dark" || document.documentElement.dataset.mantineColorScheme === "dark";
  const shared = useMemo(() => common(lines.map((line) => line.labels)), [lines]);
  const rows = useMemo(
    () =>
      lines.map((line, index): Row => {
        const own = Object.fromEntries(Object.entries(line.labels).filter(([name]) => !(name in shared)));
        return { index, labels: own, name: formatMetric(line.labels), ...summarize(line.values) };
      }),
    [lines, shared],
  );
  const columns: Array<Column<Row>> = [
    {
      key: "series",
      title: words.series,
      sort: "series",
      render: (row) => {
        const { color, dash } = strokeOf(row.index, isDark);
        return (
          <button
            type="button"
            className={`legend ${pointed === row.index ? "pointed" : ""}`}
            aria-pressed={!isHidden(row.index)}
            onClick={(event) => onToggle(row.index, !(event.ctrlKey || event.metaKey))}
          >
            <svg width="22" height="12" aria-hidden="true">
              <line
                x1="1"
                y1="6"
                x2="21"
                y2="6"
                stroke={color}
                strokeWidth="3"
                strokeDasharray={dash.join(" ")}
                opacity={isHidden(row.index) ? 0.25 : 1}
              />
            </svg>
            <span className={isHidden(row.index) ? "dim" : ""}>
              {Object.keys(row.labels).length === 0 ? (
                <span className="mono">{row.name || words.value}</span>
              ) : (
                <Labels labels={row.labels} />
              )}
            </span>
          </button>
        );
      },
    },
    ...figures.map(
      (figure): Column<Row> => ({
        key: figure,
        title: words[figure],
        width: "112px",
        sort: figure,
        numeric: true,
        render: (row) => (row[figure] === null ? "–" : formatNumber(row[figure] ?? Number.NaN)),
      }),
    ),
  ];
  return (
    <>
      {Object.keys(shared).length > 0 && (
        <p className="small row">
          <span className="dim">{words.common}</span> <Labels labels={shared} />
        </p>
      )}
      <DataTable
        caption={words.legend}
        columns={columns}
        rows={sorted(rows, sort)}
        keyOf={(row) => String(row.index)}
        sort={sort}
        onSort={setSort}
      />
    </>
  );
}
