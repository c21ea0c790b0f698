// The answer as lines with their legend, and its histograms as heatmaps.
import { useCallback, useMemo, useState } from "react";
import { align } from "../../charts/align";
import { Plot } from "../../charts/Plot";
import { formatCount, formatInstant, formatMetric } from "../../kit/format";
import { SegmentedControl, Switch } from "../../kit/mantine";
import { Select } from "../../kit/Select";
import { useSettings } from "../../kit/settings";
import { serverNow } from "../../kit/Time";
import { text } from "../../text";
import { type Display, type Panel, stepOf } from "../../url/panels";
import type { Ran } from "./ask";
import { ExemplarBar, ExemplarMarks, useExemplars } from "./Exemplars";
import { HeatView } from "./HeatView";
import { Legend } from "./Legend";
import { Field, type RangeChange } from "./RangeBar";

const words = text.explore;
/** Lines beyond these are not drawn: nobody could tell them apart. */
const drawnMax = 500;

interface GraphViewProps {
  ran: Ran;
  panel: Panel;
  onChange: (changes: Partial<Panel>) => void;
  onRange: (changes: RangeChange) => void;
}

export function GraphView({ ran, panel, onChange, onRange }: GraphViewProps) {
  const { zone } = useSettings();
  const [pointed, setPointed] = useState<number | null>(null);
  const { data, from, to, step } = ran;
  const all = data.resultType === "matrix" ? data.result : [];
  const exemplars = useExemplars(panel, ran);
  const numbers = useMemo(() => all.filter((one) => (one.values?.length ?? 0) > 0), [all]);
  const grid = useMemo(() => align(numbers.slice(0, drawnMax), from, to, step), [numbers, from, to, step]);
  const names = useMemo(() => grid.lines.map((line) => formatMetric(line.labels)), [grid]);
  const hidden = useMemo(() => new Set(panel.hidden), [panel.hidden]);
  const isHidden = useCallback((index: number) => hidden.has(names[index] ?? ""), [hidden, names]);
  const toggle = (index: number, isOnly: boolean) => {
    const name = names[index] ?? "";
    if (isOnly) {
      const others = names.filter((other) => other !== name);
      const isAlone = others.every((other) => hidden.has(other)) && !hidden.has(name);
      onChange({ hidden: isAlone ? [] : others });
    } else
      onChange({ hidden: hidden.has(name) ? panel.hidden.filter((other) => other !== name) : [...panel.hidden, name] });
  };
  const zoom = (fromSeconds: number, toSeconds: number) =>
    onRange({ rangeMs: Math.max(Math.round(toSeconds - fromSeconds), 1) * 1000, endMs: Math.round(toSeconds) * 1000 });
  const zoomOut = () => {
    const end = to * 1000 + panel.rangeMs / 2;
    onRange({ rangeMs: panel.rangeMs * 2, endMs: end >= serverNow() ? null : Math.round(end / 1000) * 1000 });
  };
  const histograms = useMemo(() => all.filter((one) => (one.histograms?.length ?? 0) > 0), [all]);
  // Beside lines the marks are over the lines.
  const isHeatAlone = histograms.length > 0 && (numbers.length === 0 || panel.display === "heatmap");
  const heatmap = histograms.length > 0 && (
    <HeatView
      series={histograms}
      ran={ran}
      panel={isHeatAlone ? panel : { ...panel, showsExemplars: false }}
      onZoom={zoom}
      onZoomOut={zoomOut}
    />
  );
  if (isHeatAlone) return heatmap;
  return (
    <>
      {numbers.length > drawnMax && <p className="small">{words.tooMany(drawnMax, formatCount(numbers.length))}</p>}
      {grid.hasGapsForNaN && <p className="small dim">{words.notDrawn}</p>}
      <Plot
        grid={grid}
        isHidden={isHidden}
        isStacked={panel.display === "stacked"}
        startsAtZero={panel.startsAtZero}
        from={from}
        to={to}
        label={words.chart(grid.lines.length, formatInstant(from * 1000, zone), formatInstant(to * 1000, zone))}
        onZoom={zoom}
        onZoomOut={zoomOut}
        onPoint={setPointed}
      >
        {exemplars && <ExemplarMarks of={exemplars} />}
      </Plot>
      {exemplars && <ExemplarBar of={exemplars} />}
      <p className="small dim">{words.chartHint}</p>
      <Legend lines={grid.lines} isHidden={isHidden} pointed={pointed} onToggle={toggle} />
      {heatmap}
    </>
  );
}

const displays = (["lines", "stacked"] as const).map((value) => ({ value, label: words.display[value] }));

export function GraphOptions({ panel, onChange }: { panel: Panel; onChange: (changes: Partial<Panel>) => void }) {
  const { resolution } = panel;
  const steps = [
    ...(["low", "medium", "high"] as const).map((value) => ({ value: value as string, label: words.steps[value] })),
    { value: "fixed", label: words.stepFixed },
  ];
  const chooseStep = (value: string) => {
    if (value === "fixed") onChange({ resolution: { type: "fixed", seconds: stepOf(panel) } });
    else if (value === "low" || value === "medium" || value === "high")
      onChange({ resolution: { type: "auto", density: value } });
  };
  return (
    <div className="row">
      <Select
        label={words.step}
        options={steps}
        value={resolution.type === "fixed" ? "fixed" : resolution.density}
        onChange={chooseStep}
      />
      {resolution.type === "fixed" && (
        <Field
          label={`${words.step} (s)`}
          value={String(resolution.seconds)}
          width={70}
          onTake={(typed) => {
            const seconds = Number(typed);
            if (!(seconds > 0)) return false;
            onChange({ resolution: { type: "fixed", seconds } });
            return true;
          }}
        />
      )}
      <SegmentedControl
        size="xs"
        aria-label={words.tabs.graph}
        data={displays}
        value={panel.display === "stacked" ? "stacked" : "lines"}
        onChange={(display) => onChange({ display: display as Display })}
      />
      <Switch
        size="xs"
        label={words.zero}
        checked={panel.startsAtZero}
        onChange={(event) => onChange({ startsAtZero: event.currentTarget.checked })}
      />
      <Switch
        size="xs"
        label={words.exemplars.show}
        checked={panel.showsExemplars}
        onChange={(event) => onChange({ showsExemplars: event.currentTarget.checked })}
      />
    </div>
  );
}
