// Ending and extending silences, one or many, after showing which and the command that does the same.
import { useState } from "react";
import type { SilenceRow } from "../../api/types.gen";
import { Confirm } from "../../kit/Confirm";
import { parseInstant } from "../../kit/format";
import { each, endAt, expire, serverUrl } from "../../kit/silence/actions";
import { expireCommand, updateCommand } from "../../kit/silence/commands";
import { Matchers } from "../../kit/silence/Matchers";
import { LengthBar } from "../../kit/silence/SpanFields";
import { lengths } from "../../kit/silence/span";
import { Instant, serverNow } from "../../kit/Time";
import { useLive } from "../../live/live";
import { text } from "../../text";

const words = text.silences;
const shownMax = 10;

export type BulkKind = "expire" | "extend";

export interface Asked {
  kind: BulkKind;
  of: readonly SilenceRow[];
}

interface BulkProps {
  asked: Asked | null;
  onClose: () => void;
}

/** What can be changed: one set of matchers, and not over. */
export function isChangeable(silence: SilenceRow): boolean {
  return silence.state !== "expired" && silence.matcherSets.length === 1;
}

export function Bulk({ asked, onClose }: BulkProps) {
  if (asked === null) return null;
  return asked.kind === "expire" ? (
    <Expire of={asked.of} onClose={onClose} />
  ) : (
    <Extend of={asked.of} onClose={onClose} />
  );
}

interface OneProps {
  of: readonly SilenceRow[];
  onClose: () => void;
}

function Expire({ of, onClose }: OneProps) {
  const { askNow } = useLive();
  const those = of.filter((silence) => silence.state !== "expired");
  return (
    <Confirm
      opened
      title={words.expireTitle(those.length)}
      action={words.expire}
      command={expireCommand(
        serverUrl(),
        those.map((one) => one.id),
      )}
      isPossible={those.length > 0}
      run={() => each(those, (one) => expire(one.id))}
      onClose={onClose}
      onDone={askNow}
    >
      <p>{words.expireAbout}</p>
      <Those of={those} />
    </Confirm>
  );
}

function Extend({ of, onClose }: OneProps) {
  const { askNow } = useLive();
  const [lengthMs, setLength] = useState(lengths[1] ?? 0);
  const [openedAt] = useState(serverNow);
  const those = of.filter(isChangeable);
  const until = (silence: SilenceRow) => Math.max(parseInstant(silence.endsAt) ?? 0, openedAt) + lengthMs;
  const command = those
    .map((one) => updateCommand(serverUrl(), [one.id], { startMs: null, lengthMs: null, endMs: until(one) }))
    .join("\n");
  return (
    <Confirm
      opened
      title={words.extendTitle(those.length)}
      action={words.extend}
      command={command}
      isPossible={those.length > 0}
      run={() => each(those, (one) => endAt(one, until(one)))}
      onClose={onClose}
      onDone={askNow}
    >
      <p>{words.extendAbout}</p>
      {those.length < of.length && <p className="dim">{words.extendNone}</p>}
      <LengthBar value={lengthMs} onChange={setLength} />
      <Those of={those} until={until} />
    </Confirm>
  );
}

function Those({ of, until }: { of: readonly SilenceRow[]; until?: (silence: SilenceRow) => number }) {
  return (
    <ul className="plain-list">
      {of.slice(0, shownMax).map((one) => (
        <li key={one.id}>
          <Matchers sets={one.matcherSets} />
          <p className="small wrap">
            {one.comment.slice(0, 300)}
            {until && (
              <>
                {" → "}
                <Instant at={until(one)} />
              </>
            )}
          </p>
        </li>
      ))}
      {of.length > shownMax && <li className="dim">{words.andMore(of.length - shownMax)}</li>}
    </ul>
  );
}
