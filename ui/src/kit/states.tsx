// What a page shows when it has nothing to show: loading, empty, nothing found, failed, not ready.
import { type ReactNode, useEffect, useState } from "react";
import { Failure } from "../api/client";
import { text } from "../text";
import { CopyButton } from "./Copy";
import { Icon } from "./Icon";
import { Button } from "./mantine";

const patienceMs = 150;
/** From then on it is said that it takes long. */
const longMs = 8000;
/** Letters of a message that are shown; its details have all. */
const messageMax = 500;

/** The shape of what comes, if it takes a moment. */
export function Loading({ lines = 8 }: { lines?: number }) {
  const [isShown, setShown] = useState(false);
  const [isLong, setLong] = useState(false);
  useEffect(() => {
    const timers = [setTimeout(() => setShown(true), patienceMs), setTimeout(() => setLong(true), longMs)];
    return () => timers.forEach(clearTimeout);
  }, []);
  return (
    <div role="status" aria-busy="true">
      {isLong ? <p className="dim">{text.loadingLong}</p> : <span className="visually-hidden">{text.loading}</span>}
      {isShown &&
        Array.from({ length: lines }, (_, index) => (
          <div key={index} className="skeleton" style={{ width: `${92 - ((index * 17) % 40)}%` }} />
        ))}
    </div>
  );
}

/** Nothing there, and why. */
export function Empty({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <section className="message">
      <h2>{title}</h2>
      {children && <div className="dim about-empty">{children}</div>}
      {action}
    </section>
  );
}

export function NoMatch({ filter, onClear }: { filter: string; onClear: () => void }) {
  return (
    <section className="message">
      <h2>{text.noMatch.title}</h2>
      <p>
        {text.noMatch.filter} <code className="wrap">{filter.slice(0, 300)}</code>
      </p>
      <Button size="compact-sm" onClick={onClear}>
        {text.noMatch.clear}
      </Button>
    </section>
  );
}

/** What went wrong; the rest of the page goes on. */
export function Failed({ error, onRetry, children }: { error: unknown; onRetry?: () => void; children?: ReactNode }) {
  const kind = error instanceof Failure ? error.kind : "failed";
  const message = error instanceof Error ? error.message : String(error);
  const details = error instanceof Failure ? error.details() : message;
  const { title, hint } = text.failures[kind];
  return (
    <section className={`message ${kind === "not-ready" ? "warn" : "bad"}`} role="alert">
      <h2>
        <Icon name="warn" />
        {title}
      </h2>
      <p className="wrap">{message.length > messageMax ? `${message.slice(0, messageMax)}…` : message}</p>
      {hint && <p>{hint}</p>}
      {children}
      {error instanceof Failure && error.about.requestId && (
        <p className="small dim">
          {text.request} <code>{error.about.requestId}</code>
        </p>
      )}
      <div className="row">
        {onRetry && (
          <Button size="compact-sm" onClick={onRetry}>
            {text.retry}
          </Button>
        )}
        <CopyButton value={details} label={text.copyDetails} />
      </div>
    </section>
  );
}

interface Asked<T> {
  data: T | undefined;
  error: unknown;
  isPending: boolean;
  refetch: () => unknown;
}

/** The usual order: old data stays while something fails, and the failure stands above it. */
export function Shown<T>({ of, children, lines }: { of: Asked<T>; children: (data: T) => ReactNode; lines?: number }) {
  return (
    <>
      {of.error !== null && <Failed error={of.error} onRetry={() => void of.refetch()} />}
      {of.data !== undefined ? children(of.data) : of.isPending && of.error === null && <Loading lines={lines} />}
    </>
  );
}
