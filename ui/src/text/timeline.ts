// What happened to alerts.

export const timeline = {
  title: "Timeline",
  range: "How far back",
  placeholder: "Filter: label=value, @receiver:…, @kind:…, @code:…",
  onlyThese: "Here are only label=value, @receiver, @kind and @code.",
  alerts: "Alerts",
  events: "Events",
  noAlerts: "Nothing happened to alerts in this time",
  noAlertsWhy: "The journal has no event of an alert that fits. A longer time, or a wider filter, may have some.",
  noEvents: "No events in this time.",
  keptSince: "The journal begins",
  moreAlerts: (count: number) => `Show ${count} more alerts`,
  older: "Older events",
  asTable: "As a table",
  goesOn: "goes on",
  incomplete: "There was more than can be shown; the oldest part is missing. Choose a shorter time.",
  unknown: "The journal does not know this alert in this time.",
  states: { pending: "pending", firing: "firing", suppressed: "nobody told" } as Record<string, string>,
  marks: {
    notified: "notified",
    retried: "tried again",
    failed: "failed",
    "not-notified": "not notified",
  } as Record<string, string>,
  columns: { from: "From", to: "Until", state: "It was" },
  summary: (times: number, total: string, notified: number, failed: number) =>
    `Fired ${times === 1 ? "once" : `${times} times`}, for ${total} in all; notified ${notified}, failed ${failed}.`,
};
