// A rule file of the expression, to put among the others: nothing is changed on the server.
import { useState } from "react";
import { CopyButton } from "../../kit/Copy";
import { formatDuration, parseDuration } from "../../kit/duration";
import { save } from "../../kit/exports";
import { Button, Modal, SegmentedControl, TextInput } from "../../kit/mantine";
import { text } from "../../text";
import { ruleFile } from "./commands";

const words = text.explore.rule;
type Kind = "alert" | "record";

export default function MakeRule({ expression, onClose }: { expression: string; onClose: () => void }) {
  const [kind, setKind] = useState<Kind>("alert");
  const [name, setName] = useState("");
  const [hold, setHold] = useState(formatDuration(300_000));
  const holdMs = parseDuration(hold.trim());
  // What Prometheus takes as the name of a metric without quotes; alerts may be called anything.
  const isNameWrong = kind === "record" && name !== "" && !/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name);
  const file = ruleFile({ kind, name: name.trim() || words.names[kind], expression, holdMs: holdMs ?? 0 });
  return (
    <Modal opened onClose={onClose} title={words.title} size="lg" closeButtonProps={{ "aria-label": text.close }}>
      <div className="stack">
        <p className="dim">{words.about}</p>
        <SegmentedControl
          aria-label={words.kind}
          data={(["alert", "record"] as const).map((value) => ({ value, label: words.kinds[value] }))}
          value={kind}
          onChange={(next) => setKind(next as Kind)}
        />
        <div className="row" style={{ alignItems: "flex-start" }}>
          <TextInput
            label={words.name}
            placeholder={words.names[kind]}
            maxLength={200}
            value={name}
            error={isNameWrong ? words.nameWrong : undefined}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          {kind === "alert" && (
            <TextInput
              label={words.hold}
              value={hold}
              error={holdMs === null ? words.holdWrong : undefined}
              onChange={(event) => setHold(event.currentTarget.value)}
            />
          )}
        </div>
        <pre>{file}</pre>
        <div className="row">
          <CopyButton value={file} label={text.copy} />
          <Button size="compact-sm" variant="default" onClick={() => save("rule.yml", "application/yaml", file)}>
            {words.save}
          </Button>
        </div>
        <p className="small dim">{words.check}</p>
      </div>
    </Modal>
  );
}
