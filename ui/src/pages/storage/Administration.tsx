// What changes stored samples: deleting series, cleaning up behind it, a snapshot. Each says what it would do and which
// command does the same; what cannot be undone asks for the selector again.
import { useState } from "react";
import { act, get, urlOf } from "../../api/client";
import { Confirm } from "../../kit/Confirm";
import { Button, TextInput } from "../../kit/mantine";
import { shellWord } from "../../kit/silence/commands";
import { Failed } from "../../kit/states";
import { text } from "../../text";

const words = text.server.storage.admin;
const root = "/api/v1/admin/tsdb";
/** So many are counted; more are "more than". */
const countedMax = 10_000;

type Task = "delete" | "clean" | "snapshot";

export function Administration({ onDone }: { onDone: () => void }) {
  const [task, setTask] = useState<Task | null>(null);
  const [selector, setSelector] = useState("");
  const [matched, setMatched] = useState<number | null>(null);
  const [again, setAgain] = useState("");
  const [error, setError] = useState<unknown>(null);
  const [done, setDone] = useState("");
  const address = (path: string) => shellWord(new URL(urlOf(root + path), location.href).href);
  const begin = (next: Task) => {
    setDone("");
    setTask(next);
  };
  const count = async () => {
    setError(null);
    setAgain("");
    try {
      const found = await get("/api/v1/series", { "match[]": [selector], limit: String(countedMax) });
      setMatched(found.data.length);
      begin("delete");
    } catch (problem) {
      setError(problem);
    }
  };
  const close = () => setTask(null);
  return (
    <section className="card">
      <h2>{words.title}</h2>
      <form
        className="row"
        style={{ alignItems: "flex-end" }}
        onSubmit={(event) => {
          event.preventDefault();
          void count();
        }}
      >
        <TextInput
          className="grow"
          label={words.selector}
          placeholder={words.selectorHint}
          maxLength={5000}
          value={selector}
          onChange={(event) => setSelector(event.currentTarget.value)}
        />
        <Button type="submit" variant="default" disabled={selector.trim() === ""}>
          {words.delete}
        </Button>
        <Button variant="default" onClick={() => begin("clean")}>
          {words.clean}
        </Button>
        <Button variant="default" onClick={() => begin("snapshot")}>
          {words.snapshot}
        </Button>
      </form>
      {error !== null && <Failed error={error} />}
      <p role="status">{done}</p>
      <Confirm
        opened={task === "delete"}
        title={words.deleteTitle}
        action={words.deleteNow}
        command={`curl -X POST ${address("/delete_series")} --data-urlencode ${shellWord(`match[]=${selector}`)}`}
        isPossible={matched !== null && matched > 0 && again.trim() === selector.trim()}
        run={async () => {
          await act(`${root}/delete_series?${new URLSearchParams({ "match[]": selector })}`);
          setDone(words.deleted(matched ?? 0));
        }}
        onClose={close}
        onDone={onDone}
      >
        <p>{words.deletes(matched ?? 0, (matched ?? 0) >= countedMax)}</p>
        {(matched ?? 0) > 0 && (
          <TextInput
            label={words.again}
            description={<code className="wrap">{selector}</code>}
            value={again}
            autoComplete="off"
            onChange={(event) => setAgain(event.currentTarget.value)}
          />
        )}
      </Confirm>
      <Confirm
        opened={task === "clean"}
        title={words.clean}
        action={words.cleanNow}
        command={`curl -X POST ${address("/clean_tombstones")}`}
        run={async () => {
          await act(`${root}/clean_tombstones`);
          setDone(words.cleaned);
        }}
        onClose={close}
        onDone={onDone}
      >
        <p>{words.cleans}</p>
      </Confirm>
      <Confirm
        opened={task === "snapshot"}
        title={words.snapshot}
        action={words.snapshotNow}
        command={`curl -X POST ${address("/snapshot")}`}
        run={async () => {
          await act(`${root}/snapshot`);
          setDone(words.snapshotMade);
        }}
        onClose={close}
        onDone={onDone}
      >
        <p>{words.snapshots}</p>
      </Confirm>
    </section>
  );
}
