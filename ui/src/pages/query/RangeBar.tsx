// Range and end of graphs: steppers, a field each, and keys: [ ] move, + - zoom.
import { useEffect, useRef, useState } from "react";
import { formatDuration, parseDuration } from "../../kit/duration";
import { Icon } from "../../kit/Icon";
import { ActionIcon, TextInput } from "../../kit/mantine";
import { settings, useSettings } from "../../kit/settings";
import { serverNow } from "../../kit/Time";
import { formatIn, parseIn, zoneWord } from "../../kit/zone";
import { text } from "../../text";
import type { Panel } from "../../url/panels";

const words = text.explore;

export type RangeChange = Partial<Pick<Panel, "rangeMs" | "endMs">>;

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const choices = [
  minute,
  5 * minute,
  15 * minute,
  30 * minute,
  hour,
  2 * hour,
  6 * hour,
  12 * hour,
  day,
  2 * day,
  7 * day,
  14 * day,
  28 * day,
  56 * day,
  182 * day,
  365 * day,
];

export function isLinked(panel: Panel, first: Panel): boolean {
  return panel.rangeMs === first.rangeMs && panel.endMs === first.endMs;
}

interface RangeBarProps {
  panel: Panel;
  onChange: (changes: RangeChange) => void;
  /** Only one bar of a page has the keys; `l` is for the legends. */
  keys?: { onLegend: () => void };
}

/** A field that is taken over with Enter, or when it is left. */
export function Field({
  label,
  value,
  width,
  onTake,
}: {
  label: string;
  value: string;
  width: number;
  onTake: (text: string) => boolean;
}) {
  const [typed, setTyped] = useState(value);
  const [isWrong, setWrong] = useState(false);
  useEffect(() => setTyped(value), [value]);
  const take = () => {
    if (typed === value) return setWrong(false);
    setWrong(!onTake(typed.trim()));
  };
  return (
    <TextInput
      size="sm"
      w={width}
      aria-label={label}
      title={label}
      value={typed}
      error={isWrong}
      onChange={(event) => setTyped(event.currentTarget.value)}
      onBlur={take}
      onKeyDown={(event) => event.key === "Enter" && take()}
    />
  );
}

/** A time in the zone that was chosen, which stands beside it; empty, or "now", follows the time. */
export function TimeField({
  label,
  at,
  onChange,
}: {
  label: string;
  at: number | null;
  onChange: (at: number | null) => void;
}) {
  const { zone } = useSettings();
  const word = zoneWord(zone, at ?? Date.now());
  const take = (typed: string) => {
    const ms = typed === "" || typed === words.now ? null : parseIn(typed, zone);
    if (ms === null && typed !== "" && typed !== words.now) return false;
    onChange(ms);
    return true;
  };
  return (
    <>
      <Field
        label={`${label} (${word})`}
        value={at === null ? words.now : formatIn(at, zone)}
        width={168}
        onTake={take}
      />
      <span className="small dim" aria-hidden="true">
        {word}
      </span>
    </>
  );
}

export function RangeBar({ panel, onChange, keys }: RangeBarProps) {
  const shorter = () =>
    onChange({ rangeMs: [...choices].reverse().find((one) => one < panel.rangeMs) ?? panel.rangeMs });
  const longer = () => onChange({ rangeMs: choices.find((one) => one > panel.rangeMs) ?? panel.rangeMs });
  const move = (by: 1 | -1) => {
    const end = (panel.endMs ?? serverNow()) + (by * panel.rangeMs) / 2;
    // Past now there is nothing: the end follows the time again.
    onChange({ endMs: end >= serverNow() ? null : Math.round(end / 1000) * 1000 });
  };
  const onLegend = () => keys?.onLegend();
  const actions = useRef({ shorter, longer, move, onLegend });
  actions.current = { shorter, longer, move, onLegend };
  const hasKeys = keys !== undefined;
  useEffect(() => {
    if (!hasKeys) return;
    const onKey = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement | null;
      const isTyping = target?.isContentEditable || ["INPUT", "TEXTAREA"].includes(target?.tagName ?? "");
      if (isTyping || !settings().keys || event.ctrlKey || event.metaKey || document.querySelector("[role=dialog]"))
        return;
      if (event.key === "[") actions.current.move(-1);
      else if (event.key === "]") actions.current.move(1);
      else if (event.key === "+") actions.current.shorter();
      else if (event.key === "-") actions.current.longer();
      else if (event.key === "l") actions.current.onLegend();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [hasKeys]);
  const takeRange = (typed: string) => {
    const ms = parseDuration(typed);
    if (!ms || ms > 20 * 365 * day) return false;
    onChange({ rangeMs: ms });
    return true;
  };
  return (
    <div className="row" style={{ gap: 4 }}>
      <ActionIcon variant="default" size={34} aria-label={words.rangeShorter} onClick={shorter}>
        <span aria-hidden="true">−</span>
      </ActionIcon>
      <Field label={words.range} value={formatDuration(panel.rangeMs)} width={74} onTake={takeRange} />
      <ActionIcon variant="default" size={34} aria-label={words.rangeLonger} onClick={longer}>
        <span aria-hidden="true">+</span>
      </ActionIcon>
      <ActionIcon variant="default" size={34} aria-label={words.earlier} onClick={() => move(-1)}>
        <Icon name="left" />
      </ActionIcon>
      <TimeField label={words.end} at={panel.endMs} onChange={(endMs) => onChange({ endMs })} />
      <ActionIcon
        variant="default"
        size={34}
        aria-label={words.later}
        onClick={() => move(1)}
        disabled={panel.endMs === null}
      >
        <Icon name="right" />
      </ActionIcon>
    </div>
  );
}
