// Exemplars over the graph: marks to point at, and a bar that steps through them and says what each is, which is
// how keyboards and screen readers get at them.
import { useMemo, useState } from "react";
import { useGet } from "../../api/hooks";
import { type Heat, heightAt } from "../../charts/heat";
import { formatCount, formatMetric, formatNumber } from "../../kit/format";
import { Icon } from "../../kit/Icon";
import { Labels } from "../../kit/Labels";
import { ActionIcon } from "../../kit/mantine";
import { Failed } from "../../kit/states";
import { isLink, TextOrLink } from "../../kit/TextOrLink";
import { Instant } from "../../kit/Time";
import { text } from "../../text";
import type { Panel } from "../../url/panels";
import type { Ran } from "./ask";
import { type Mark, type Marks, marksOf } from "./marks";

const words = text.explore.exemplars;

export interface Exemplars {
  marks: Marks | null;
  error: Error | null;
  retry: () => void;
  chosen: Mark | null;
  choose: (mark: Mark) => void;
  /** Of their own, or that of the heatmap. */
  scale: "own" | "buckets";
}

function isSame(a: Mark, b: Mark): boolean {
  return a.time === b.time && a.value === b.value && formatMetric(a.labels) === formatMetric(b.labels);
}

/** Null while the panel does not show them. */
export function useExemplars(panel: Panel, { from, to }: Ran, heat?: Heat): Exemplars | null {
  const times = { start: from.toFixed(3), end: to.toFixed(3) };
  const found = useGet(
    "/api/v1/query_exemplars",
    { query: panel.expression, ...times },
    { enabled: panel.showsExemplars },
  );
  const data = found.data?.data;
  const marks = useMemo(() => {
    if (!data) return null;
    return marksOf(data, { from, to, ...(heat && { heightOf: (value: number) => heightAt(heat, value) }) });
  }, [data, from, to, heat]);
  const [wanted, choose] = useState<Mark | null>(null);
  if (!panel.showsExemplars) return null;
  // The same one of a newer answer, which stands elsewhere.
  const chosen = (wanted && marks?.drawn.find((mark) => isSame(mark, wanted))) ?? null;
  return {
    marks,
    error: found.error,
    retry: () => void found.refetch(),
    chosen,
    choose,
    scale: heat ? "buckets" : "own",
  };
}

/** Decoration for pointers: what they do, the bar does too. */
export function ExemplarMarks({ of: { marks, chosen, choose } }: { of: Exemplars }) {
  return marks?.drawn.map((mark, index) => (
    <button
      key={index}
      type="button"
      className={`exemplar ${mark === chosen ? "chosen" : ""}`}
      style={{ left: `${mark.x * 100}%`, bottom: `${mark.y * 100}%` }}
      aria-hidden="true"
      tabIndex={-1}
      onPointerEnter={() => choose(mark)}
      onClick={() => choose(mark)}
    />
  ));
}

export function ExemplarBar({ of: { marks, error, retry, chosen, choose, scale } }: { of: Exemplars }) {
  if (error) return <Failed error={error} onRetry={retry} />;
  if (!marks) return null;
  const { drawn, total, low, high } = marks;
  if (drawn.length === 0) return <p className="small dim">{words.none}</p>;
  const at = chosen ? drawn.indexOf(chosen) : -1;
  const step = (to: number) => {
    const next = drawn[Math.min(Math.max(to, 0), drawn.length - 1)];
    if (next) choose(next);
  };
  return (
    <section aria-label={words.title}>
      <p className="small dim">
        ◇ {words.about[scale](formatCount(total), formatNumber(low), formatNumber(high))}
        {drawn.length < total && `; ${words.some(drawn.length)}`}
      </p>
      <div className="row" style={{ alignItems: "flex-start" }}>
        <ActionIcon
          variant="default"
          size={28}
          aria-label={words.earlier}
          onClick={() => step(at < 0 ? drawn.length - 1 : at - 1)}
        >
          <Icon name="left" />
        </ActionIcon>
        <ActionIcon variant="default" size={28} aria-label={words.later} onClick={() => step(at + 1)}>
          <Icon name="right" />
        </ActionIcon>
        <div className="grow small" aria-live="polite">
          {chosen ? (
            <>
              <span className="dim">{words.place(at + 1, drawn.length)}</span> <Detail mark={chosen} />
            </>
          ) : (
            <span className="dim">{words.choose}</span>
          )}
        </div>
      </div>
    </section>
  );
}

function Detail({ mark }: { mark: Mark }) {
  const links = Object.entries(mark.labels).filter(([, value]) => isLink(value));
  const hasText = links.length < Object.keys(mark.labels).length;
  return (
    <>
      <Instant at={mark.time * 1000} /> · <b className="mono">{formatNumber(mark.value)}</b>{" "}
      {hasText && <Labels labels={mark.labels} without={links.map(([name]) => name)} />}
      {links.map(([name, value]) => (
        <span key={name} className="wrap">
          {" "}
          {name}: <TextOrLink value={value} />
        </span>
      ))}{" "}
      <span className="dim">{words.of}</span> <span className="mono wrap">{formatMetric(mark.series)}</span>
    </>
  );
}
