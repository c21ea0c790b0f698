// Before something changes: what it will do, and the command that does the same. What goes wrong is said here, and
// the question stays.
import { type ReactNode, useState } from "react";
import { text } from "../text";
import { Button, Modal } from "./mantine";
import { Failed } from "./states";

interface ConfirmProps {
  opened: boolean;
  title: string;
  /** The word on the button. */
  action: string;
  command: string;
  children: ReactNode;
  /** Resolves when it is done. */
  run: () => Promise<void>;
  onClose: () => void;
  /** Whether it worked or not: something may have changed. */
  onDone: () => void;
  isPossible?: boolean;
}

export function Confirm(props: ConfirmProps) {
  const { opened, isPossible = true } = props;
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const close = () => {
    setError(null);
    props.onClose();
  };
  const run = async () => {
    setBusy(true);
    setError(null);
    try {
      await props.run();
      close();
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
      props.onDone();
    }
  };
  return (
    <Modal
      opened={opened}
      onClose={close}
      title={props.title}
      size="lg"
      closeButtonProps={{ "aria-label": text.close }}
    >
      <div className="stack">
        {props.children}
        <div>
          <h3>{text.command}</h3>
          <pre>{props.command}</pre>
        </div>
        {error !== null && <Failed error={error} />}
        <div className="row">
          <Button onClick={() => void run()} loading={isBusy} disabled={!isPossible}>
            {props.action}
          </Button>
          <Button variant="default" onClick={close}>
            {text.cancel}
          </Button>
        </div>
      </div>
    </Modal>
  );
}
