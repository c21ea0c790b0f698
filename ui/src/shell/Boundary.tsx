// A page that fails does not take the frame with it, and a frame that fails leaves words, not a blank page.
import { Component, type ReactNode } from "react";
import { CopyButton } from "../kit/Copy";
import { Button } from "../kit/mantine";
import { text } from "../text";

interface Caught {
  error: Error | null;
}

export class Boundary extends Component<{ children: ReactNode }, Caught> {
  override state: Caught = { error: null };

  static getDerivedStateFromError(error: unknown): Caught {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  override render() {
    const { error } = this.state;
    if (error === null) return this.props.children;
    return (
      <div className="page">
        <section className="message bad" role="alert">
          <h1>{text.shell.crashed}</h1>
          <p className="wrap">{error.message}</p>
          <p>{text.shell.crashedHint}</p>
          <div className="row">
            <Button size="compact-sm" onClick={() => location.reload()}>
              {text.shell.reload}
            </Button>
            <CopyButton value={`${error.stack ?? error.message}\n${location.href}`} label={text.copyDetails} />
          </div>
        </section>
      </div>
    );
  }
}
