// All words of the UI, English first. Pages have their own files; this one has what all share.
import type { FailureKind } from "../api/client";
import { alerts } from "./alerts";
import { collect } from "./collect";
import { explore } from "./explore";
import { server } from "./server";
import { shell } from "./shell";
import { silences } from "./silences";
import { timeline } from "./timeline";

const states: Record<string, string> = {
  firing: "firing",
  pending: "pending",
  inactive: "inactive",
  silenced: "silenced",
  inhibited: "inhibited",
  muted: "muted",
  active: "active",
  expired: "expired",
  acknowledged: "acknowledged",
  up: "up",
  down: "down",
  unknown: "unknown",
  ok: "ok",
  err: "error",
  failed: "failed",
  kept: "kept",
  dropped: "dropped",
  yes: "yes",
  no: "no",
  "not-reached": "not reached",
  alerting: "alerting",
  recording: "recording",
  end: "ends here",
  passed: "matches",
  differs: "does not match",
};

const failures: Record<FailureKind, { title: string; hint?: string }> = {
  unreachable: {
    title: "The server does not answer",
    hint: "It is asked again by itself. Look whether it runs, and whether a proxy between holds its answers back.",
  },
  "not-ready": {
    title: "The server is not ready yet",
    hint: "It starts, or reads its log. It is asked again by itself.",
  },
  refused: { title: "The server refused the request" },
  "not-found": { title: "There is no such thing", hint: "This version of the server may not have it." },
  broken: {
    title: "The answer cannot be read",
    hint: "Something between answers in the server's place, such as a sign-in page of a proxy.",
  },
  failed: { title: "The server failed", hint: "Its log says more." },
};

export const text = {
  states,
  failures,
  shell,
  explore,
  alerts,
  silences,
  timeline,
  collect,
  server,
  command: "The same on a command line",
  cancel: "Cancel",
  close: "Close",
  all: "all",
  none: "none",
  loading: "Loading",
  loadingLong:
    "No answer for 8 seconds. The page goes on waiting; look whether the server is busy, and whether a proxy between holds its answers back.",
  retry: "Try again",
  request: "Request",
  announced: (counts: string, added: number) => `${counts}, ${added} new`,
  copied: "Copied",
  notCopied: "The browser refused",
  copy: "Copy",
  copyDetails: "Copy details",
  noMatch: { title: "Nothing matches", filter: "The filter is", clear: "Clear the filter" },
  filter: {
    placeholder: "Filter: word, label=value, @state:…",
    remove: (term: string) => `Remove ${term}`,
    suggestions: "Suggestions",
  },
  table: {
    details: "Details",
    open: (name: string) => `Details of ${name}`,
    fold: (name: string) => `Rows of ${name}`,
    gone: "Not there any more",
    waiting: (count: number) => `${count} new – show`,
    select: (name: string) => `Select ${name}`,
    selectAll: "Select all rows",
    selected: (count: number) => (count === 1 ? "1 selected" : `${count} selected`),
    clearSelection: "Clear the selection",
    selection: "Selection",
    counts: (matched: string, total: string) => (matched === total ? `${total} rows` : `${matched} of ${total} rows`),
    menu: "Columns and exports",
    columns: "Columns",
    csv: "Save as CSV",
    json: "Save as JSON",
    curl: "Copy as curl",
    link: "Copy link",
  },
  time: {
    never: "never",
    now: "now",
    ago: (duration: string) => `${duration} ago`,
    in: (duration: string) => `in ${duration}`,
  },
  labels: { all: "Labels", discovered: "Discovered labels", annotations: "Annotations" },
};
