// One alert over time: bars for what it was, marks for what was said. Patterns and shapes say what colours say; the
// same stands in a list for who sees neither.
import type { AlertSpan, AlertTimeline } from "../../api/types.gen";
import { text } from "../../text";
import { shortDuration } from "../duration";
import { formatInstant, parseInstant } from "../format";
import { useSettings } from "../settings";
import { Instant } from "../Time";
import { offsetMs, type Zone } from "../zone";
import { place, ticks } from "./range";

const words = text.timeline;
/** More would be one smear. */
const drawnMax = 400;
const listedMax = 200;
const ticksMax = 6;

export interface Drawn {
  fromMs: number;
  toMs: number;
}

function boundsOf(timeline: AlertTimeline): Drawn {
  return { fromMs: parseInstant(timeline.from) ?? 0, toMs: parseInstant(timeline.to) ?? 0 };
}

function moments(one: AlertSpan): [number, number] {
  return [parseInstant(one.from) ?? 0, parseInstant(one.to) ?? 0];
}

const shapes: Record<string, string> = { notified: "▲", retried: "↻", failed: "✖", "not-notified": "○" };

function spanTitle(span: AlertSpan, zone: Zone): string {
  const [from, to] = moments(span);
  const until = span.isOpen ? words.goesOn : formatInstant(to, zone);
  const why = span.state === "suppressed" ? `: ${span.receiver ?? ""}, ${span.reason ?? span.code ?? ""}` : "";
  const name = words.states[span.state] ?? span.state;
  return `${name} ${formatInstant(from, zone)} – ${until} (${shortDuration(to - from)})${why}`;
}

function summaryOf(timeline: AlertTimeline): string {
  const firing = timeline.spans.filter((span) => span.state === "firing");
  const total = firing.reduce((sum, span) => sum + moments(span)[1] - moments(span)[0], 0);
  const notified = timeline.marks.filter((mark) => mark.kind === "notified").length;
  const failed = timeline.marks.filter((mark) => mark.kind === "failed").length;
  return words.summary(firing.length, shortDuration(total), notified, failed);
}

export function Lane({ timeline }: { timeline: AlertTimeline }) {
  const { zone } = useSettings();
  const bounds = boundsOf(timeline);
  return (
    <div className="lane" role="img" aria-label={summaryOf(timeline)}>
      {timeline.spans.slice(0, drawnMax).map((span, index) => {
        const at = place(bounds, ...moments(span));
        if (at === null) return null;
        // What is short and new stands at the edge and must not fall off it.
        const style = { left: `min(${at.left}%, calc(100% - 2px))`, width: `max(2px, ${at.width}%)` };
        return <span key={index} className={`span ${span.state}`} style={style} title={spanTitle(span, zone)} />;
      })}
      {timeline.marks.slice(-drawnMax).map((mark) => {
        const ms = parseInstant(mark.at) ?? 0;
        const at = place(bounds, ms, ms);
        return (
          at && (
            <span
              key={mark.id}
              className={`mark ${mark.kind}`}
              style={{ left: `clamp(6px, ${at.left}%, calc(100% - 6px))` }}
              title={`${formatInstant(ms, zone)} ${mark.text}`}
            >
              {shapes[mark.kind] ?? "·"}
            </span>
          )
        );
      })}
    </div>
  );
}

export function Axis({ range, marks = [] }: { range: Drawn; marks?: ReadonlyArray<{ atMs: number; text: string }> }) {
  const { zone } = useSettings();
  const offset = offsetMs(range.toMs, zone);
  const isLong = range.toMs - range.fromMs > 24 * 3_600_000;
  return (
    <div className="axis" aria-hidden="true">
      {ticks(range, ticksMax, offset).map((ms) => {
        const at = place(range, ms, ms);
        const [day = "", time = ""] = formatInstant(ms, zone).split(" ");
        // Half of it would be cut off.
        const isWhole = at !== null && at.left > 3 && at.left < 97;
        return (
          isWhole && (
            <span key={ms} className="tick" style={{ left: `${at.left}%` }}>
              {isLong ? `${day.slice(5)} ${time.slice(0, 5)}` : time.slice(0, 5)}
            </span>
          )
        );
      })}
      {marks.map((mark, index) => {
        const at = place(range, mark.atMs, mark.atMs);
        return at && <span key={index} className="event" style={{ left: `${at.left}%` }} title={mark.text} />;
      })}
    </div>
  );
}

export function Legend() {
  return (
    <p className="lane-legend small dim" aria-hidden="true">
      {["pending", "firing", "suppressed"].map((state) => (
        <span key={state}>
          <span className={`swatch span ${state}`} /> {words.states[state]}
        </span>
      ))}
      {Object.entries(shapes).map(([kind, shape]) => (
        <span key={kind}>
          <span className={`mark-swatch ${kind}`}>{shape}</span> {words.marks[kind]}
        </span>
      ))}
    </p>
  );
}

/** The same as a table. */
export function LaneTable({ timeline }: { timeline: AlertTimeline }) {
  const spans = timeline.spans.slice(-listedMax);
  return (
    <details>
      <summary>{words.asTable}</summary>
      <table className="facts">
        <thead>
          <tr>
            <th scope="col">{words.columns.from}</th>
            <th scope="col">{words.columns.to}</th>
            <th scope="col">{words.columns.state}</th>
          </tr>
        </thead>
        <tbody>
          {spans.map((span, index) => (
            <tr key={index}>
              <td>
                <Instant at={span.from} />
              </td>
              <td>{span.isOpen ? words.goesOn : <Instant at={span.to} />}</td>
              <td className="wrap">
                {words.states[span.state] ?? span.state}
                {span.state === "suppressed" && ` – ${span.receiver ?? ""}: ${span.reason ?? ""}`}{" "}
                {span.code && <code className="dim">{span.code}</code>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
