// Making and changing a silence: what it matches, when, by whom and why; what it would hide stands beside it.
import { type FormEvent, useState } from "react";
import { useBoot } from "../../api/hooks";
import { useLive } from "../../live/live";
import { text } from "../../text";
import { Check } from "../Check";
import { Button, TextInput } from "../mantine";
import { change, settings } from "../settings";
import { Failed } from "../states";
import { serverNow } from "../Time";
import { type Draft, save, serverUrl } from "./actions";
import { CommentField } from "./CommentField";
import { addCommand, updateCommand } from "./commands";
import { MatcherFields } from "./MatcherFields";
import { emptyRow, rowsText } from "./matchers";
import { Preview, usePreview, warningOf } from "./Preview";
import { SpanFields } from "./SpanFields";
import { problemOf } from "./span";

const words = text.silences;

interface SilenceFormProps {
  /** What is not said of the creator is what this browser remembers. */
  initial: Omit<Draft, "createdBy"> & { createdBy?: string };
  /** With the id that the silence has now. */
  onDone: (id: string) => void;
  onCancel: () => void;
}

export function SilenceForm({ initial, onDone, onCancel }: SilenceFormProps) {
  const user = useBoot().data?.me.user;
  const { askNow } = useLive();
  const [rows, setRows] = useState(() => (initial.rows.length === 0 ? [emptyRow] : [...initial.rows]));
  const [span, setSpan] = useState(initial.span);
  const [createdBy, setCreatedBy] = useState(initial.createdBy ?? user ?? settings().author);
  const [comment, setComment] = useState(initial.comment);
  const [isMeant, setMeant] = useState(false);
  const [isTried, setTried] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const asked = usePreview(rows);
  const preview = asked.data?.data;
  const warning = preview === undefined ? null : warningOf(preview);
  const draft: Draft = { ...initial, rows, span, createdBy, comment };
  const isComplete =
    rows.some((row) => row.name !== "") &&
    createdBy.trim() !== "" &&
    comment.trim() !== "" &&
    problemOf(span, serverNow()) === null;
  const keepsMatchers = rowsText(rows) === rowsText(initial.rows);
  const command =
    draft.id !== undefined && keepsMatchers
      ? updateCommand(serverUrl(), [draft.id], span, comment)
      : addCommand(serverUrl(), draft);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (!isComplete || (warning !== null && !isMeant)) return;
    setBusy(true);
    setError(null);
    try {
      const id = await save(draft);
      if (draft.id === undefined) change({ author: createdBy.trim() });
      onDone(id);
    } catch (problem) {
      setError(problem);
      setBusy(false);
    } finally {
      askNow();
    }
  };

  return (
    <form className="silence-form" noValidate onSubmit={(event) => void submit(event)}>
      <div className="stack">
        <MatcherFields rows={rows} onChange={setRows} preview={preview} />
        <SpanFields span={span} onChange={setSpan} />
        <TextInput
          label={words.author}
          required
          maxLength={1000}
          value={createdBy}
          error={isTried && createdBy.trim() === "" ? words.needed : undefined}
          onChange={(event) => setCreatedBy(event.currentTarget.value)}
        />
        <CommentField
          value={comment}
          error={isTried && comment.trim() === "" ? words.needed : undefined}
          onChange={setComment}
        />
      </div>
      <section className="stack">
        <h2>{words.affected}</h2>
        <Preview of={asked} />
        {warning !== null && (
          <div className="message warn">
            <p>{warning}</p>
            <Check
              label={words.meant}
              checked={isMeant}
              error={isTried && !isMeant ? words.needed : undefined}
              onChange={setMeant}
            />
          </div>
        )}
        {draft.id !== undefined && <p className="dim small">{words.newId}</p>}
        <div>
          <h3>{text.command}</h3>
          <pre>{command}</pre>
        </div>
        {error !== null && <Failed error={error} />}
        <div className="row">
          <Button type="submit" loading={isBusy}>
            {draft.id === undefined ? words.create : words.save}
          </Button>
          <Button variant="default" onClick={onCancel}>
            {text.cancel}
          </Button>
        </div>
      </section>
    </form>
  );
}
