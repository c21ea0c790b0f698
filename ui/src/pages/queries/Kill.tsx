// Ending a query, after showing which, and the command that does the same.
import { useState } from "react";
import { act, urlOf } from "../../api/client";
import type { ActiveQuery } from "../../api/types.gen";
import { Button, Modal } from "../../kit/mantine";
import { Failed } from "../../kit/states";
import { text } from "../../text";

const words = text.explore.queries;

interface KillProps {
  query: ActiveQuery | null;
  onClose: () => void;
  onDone: () => void;
}

export function Kill({ query, onClose, onDone }: KillProps) {
  const [error, setError] = useState<unknown>(null);
  const path = `/api/keepwatch/v1/queries/${query?.id ?? ""}`;
  const close = () => {
    setError(null);
    onClose();
  };
  const kill = async () => {
    setError(null);
    try {
      await act(path, "DELETE");
      close();
    } catch (problem) {
      setError(problem);
    } finally {
      onDone();
    }
  };
  return (
    <Modal opened={query !== null} onClose={close} title={words.killTitle}>
      <div className="stack">
        <p>{words.killAbout}</p>
        <pre>{query?.query.slice(0, 2000)}</pre>
        <h3>{text.server.config.command}</h3>
        <pre>curl -X DELETE {new URL(urlOf(path), location.href).href}</pre>
        {error !== null && <Failed error={error} />}
        <div className="row">
          <Button onClick={() => void kill()}>{words.kill}</Button>
          <Button variant="default" onClick={close}>
            {text.server.config.cancel}
          </Button>
        </div>
      </div>
    </Modal>
  );
}
