// Reloading, after showing what it would change and the command that does the same.
import { useState } from "react";
import { act, urlOf } from "../../api/client";
import type { ConfigComparison } from "../../api/types.gen";
import { Diff } from "../../kit/Diff";
import { Button, Modal } from "../../kit/mantine";
import { Failed } from "../../kit/states";
import { text } from "../../text";

const words = text.server.config;

export function Reload({ comparison, onDone }: { comparison: ConfigComparison; onDone: () => void }) {
  const [isOpen, setOpen] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const reload = async () => {
    setBusy(true);
    setError(null);
    try {
      await act("/-/reload");
      setOpen(false);
      onDone();
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  };
  const changed = [comparison.prometheus, comparison.alertmanager].filter(
    (part) => typeof part.files === "string" && part.files !== part.running,
  );
  const isRefused = typeof comparison.prometheus.files !== "string";
  return (
    <>
      <Button onClick={() => setOpen(true)}>{words.reload}</Button>
      <Modal opened={isOpen} onClose={() => setOpen(false)} title={words.reloadTitle} size="xl">
        <div className="stack">
          <p>{words.reloadAbout}</p>
          {isRefused && <p className="bad">{words.refused}</p>}
          {!isRefused && changed.length === 0 && <p>{words.reloadSame}</p>}
          {changed.map((part, index) => (
            <Diff key={index} before={part.running} after={part.files ?? ""} />
          ))}
          <div>
            <h3>{text.command}</h3>
            <pre>curl -X POST {new URL(urlOf("/-/reload"), location.href).href}</pre>
          </div>
          {error !== null && <Failed error={error} />}
          <div className="row">
            <Button onClick={() => void reload()} loading={isBusy}>
              {words.reload}
            </Button>
            <Button variant="default" onClick={() => setOpen(false)}>
              {text.cancel}
            </Button>
          </div>
        </div>
      </Modal>
    </>
  );
}
