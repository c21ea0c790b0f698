// From when, and how long or until when.
import { text } from "../../text";
import { shortDuration } from "../duration";
import { TextInput } from "../mantine";
import { useSettings } from "../settings";
import { Instant, useNow } from "../Time";
import { zoneWord } from "../zone";
import { fromField, lengths, momentsOf, problemOf, type Span, toField } from "./span";

const words = text.silences;

export function LengthBar({ value, onChange }: { value: number | null; onChange: (ms: number) => void }) {
  return (
    <fieldset className="facets">
      <legend className="visually-hidden">{words.length}</legend>
      {lengths.map((ms) => (
        <button key={ms} type="button" aria-pressed={value === ms} onClick={() => onChange(ms)}>
          {shortDuration(ms)}
        </button>
      ))}
    </fieldset>
  );
}

export function SpanFields({ span, onChange }: { span: Span; onChange: (span: Span) => void }) {
  const { zone } = useSettings();
  const now = useNow();
  const problem = problemOf(span, now);
  const { startMs, endMs } = momentsOf(span, now);
  const zoneName = zoneWord(zone, span.startMs ?? Date.now());
  return (
    <div className="stack">
      <LengthBar
        value={span.endMs === null ? span.lengthMs : null}
        onChange={(lengthMs) => onChange({ ...span, lengthMs, endMs: null })}
      />
      <div className="row" style={{ alignItems: "flex-start" }}>
        <TextInput
          type="datetime-local"
          step={1}
          label={words.starts(zoneName)}
          description={words.startsHint}
          value={toField(span.startMs, zone)}
          onChange={(event) => onChange({ ...span, startMs: fromField(event.currentTarget.value, zone) })}
        />
        <TextInput
          type="datetime-local"
          step={1}
          label={words.ends(zoneName)}
          description={words.endsHint}
          value={toField(span.endMs, zone)}
          error={problem === null ? undefined : words.spanProblems[problem]}
          onChange={(event) => {
            const until = fromField(event.currentTarget.value, zone);
            // An empty field is no end: then the length that it had.
            onChange(
              until === null
                ? { ...span, endMs: null, lengthMs: span.lengthMs ?? lengths[1] ?? null }
                : { ...span, endMs: until },
            );
          }}
        />
      </div>
      {problem === null && (
        <p className="small">
          {words.holdsFor(shortDuration(endMs - startMs))} <Instant at={endMs} />
        </p>
      )}
    </div>
  );
}
