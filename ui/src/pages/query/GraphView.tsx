// The answer as lines with their legend, and its histograms as heatmaps: native ones always, classic ones as chosen.
import { useCallback, useMemo, useState } from "react";
import { align } from "../../charts/align";
import { type Classic, classicOf, isByBuckets } from "../../charts/classic";
import { Plot } from "../../charts/Plot";
import { formatCount, formatInstant, formatMetric } from "../../kit/format";
import { Icon } from "../../kit/Icon";
import { Button, SegmentedControl, Switch } from "../../kit/mantine";
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
  const wantsHeat = panel.display === "heatmap";
  const classic = useMemo(() => (wantsHeat ? classicOf(numbers) : null), [wantsHeat, numbers]);
  const histograms = useMemo(() => {
    const native = all.filter((one) => (one.histograms?.length ?? 0) > 0);
    return classic?.kind === "histogram" ? [...native, classic.series] : native;
  }, [all, classic]);
  // Beside lines the marks are over the lines.
  const isHeatAlone = histograms.length > 0 && (numbers.length === 0 || wantsHeat);
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
      {classic && classic.kind !== "histogram" && (
        <NoHeat of={classic} onSum={() => onChange({ expression: `sum by (le) (${panel.expression})` })} />
      )}
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
      {panel.hasLegend && <Legend lines={grid.lines} isHidden={isHidden} pointed={pointed} onToggle={toggle} />}
      {heatmap}
    </>
  );
}

/** Why lines are shown where a heatmap was asked for, and how to get one. */
function NoHeat({ of, onSum }: { of: Exclude<Classic, { kind: "histogram" }>; onSum: () => void }) {
  return (
    <p className="small note row" role="status">
      <span className="wrap">
        <Icon name="warn" size={13} />{" "}
        {of.kind === "several" ? words.heat.several(of.labels.join(", ").slice(0, 200)) : words.heat.none}
      </span>
      {of.kind === "several" && (
        <Button size="compact-xs" variant="default" onClick={onSum}>
          {words.heat.sum}
        </Button>
      )}
    </p>
  );
}

interface GraphOptionsProps {
  panel: Panel;
  /** The answer, if there is one. */
  ran: Ran | undefined;
  onChange: (changes: Partial<Panel>) => void;
}

export function GraphOptions({ panel, ran, onChange }: GraphOptionsProps) {
  const result = ran?.data.resultType === "matrix" ? ran.data.result : null;
  const isClassic = useMemo(() => result !== null && isByBuckets(result), [result]);
  const choices: Display[] = ["lines", "stacked"];
  if (isClassic || panel.display === "heatmap") choices.push("heatmap");
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
        data={choices.map((value) => ({ value, label: words.display[value] }))}
        value={panel.display}
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
