// Acknowledging alerts: a short silence for each, with exactly its labels, that says who is on it.
import { useState } from "react";
import { useBoot } from "../../api/hooks";
import type { AlertRow } from "../../api/types.gen";
import { useLive } from "../../live/live";
import { text } from "../../text";
import { Confirm } from "../Confirm";
import { shortDuration } from "../duration";
import { TextInput } from "../mantine";
import { change, settings } from "../settings";
import { acknowledged } from "./acknowledged";
import { each, save, serverUrl } from "./actions";
import { addCommand } from "./commands";
import { rowsFor } from "./matchers";

const words = text.silences;
const alertsMax = 50;
const lengthMs = 15 * 60_000;

/** One of each; an alert may stand in many groups. */
function distinct(alerts: readonly AlertRow[]): AlertRow[] {
  return [...new Map(alerts.map((alert) => [alert.fingerprint, alert])).values()];
}

interface AcknowledgeProps {
  /** Null while nobody asks. */
  alerts: readonly AlertRow[] | null;
  onClose: () => void;
  onDone: () => void;
}

export function Acknowledge({ alerts, onClose, onDone }: AcknowledgeProps) {
  const user = useBoot().data?.me.user;
  const { askNow } = useLive();
  const [name, setName] = useState("");
  const createdBy = (name || user || settings().author).trim();
  const those = distinct(alerts ?? []);
  const draftOf = (alert: AlertRow) => ({
    rows: rowsFor([alert.labels]),
    span: { startMs: null, lengthMs, endMs: null },
    createdBy,
    comment: words.acknowledgedComment,
    annotations: { [acknowledged]: "true" },
  });
  const run = async () => {
    await each(
      those.map((alert) => ({ id: alert.labels.alertname ?? alert.fingerprint, alert })),
      ({ alert }) => save(draftOf(alert)),
    );
    change({ author: createdBy });
    onDone();
  };
  const isPossible = createdBy !== "" && those.length <= alertsMax;
  return (
    <Confirm
      opened={alerts !== null}
      title={words.acknowledgeTitle(those.length)}
      action={words.acknowledge}
      command={those
        .slice(0, 10)
        .map((alert) => addCommand(serverUrl(), draftOf(alert)))
        .join("\n")}
      isPossible={isPossible}
      run={run}
      onClose={onClose}
      onDone={askNow}
    >
      <p>{words.acknowledgeAbout(shortDuration(lengthMs))}</p>
      {those.length > alertsMax && <p className="bad">{words.acknowledgeMany(alertsMax)}</p>}
      <ul>
        {those.slice(0, 10).map((alert) => (
          <li key={alert.fingerprint} className="wrap">
            {alert.labels.alertname ?? alert.fingerprint}
          </li>
        ))}
        {those.length > 10 && <li className="dim">{words.andMore(those.length - 10)}</li>}
      </ul>
      <TextInput
        label={words.author}
        required
        maxLength={1000}
        value={name}
        placeholder={user ?? settings().author}
        onChange={(event) => setName(event.currentTarget.value)}
      />
    </Confirm>
  );
}
