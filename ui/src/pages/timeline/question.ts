// The filter of the timeline as the journal's parameters. What matchers mean is the server's business.
import type { JournalParams } from "../../kit/journal/EventList";
import { splitTerms } from "../../kit/terms";

export interface Question {
  params: Pick<JournalParams, "filter" | "receiver" | "kind" | "code">;
  /** Terms that the journal cannot look for. */
  unknown: string[];
}

const facet = /^@(receiver|kind|code):(.*)$/s;

export function questionOf(q: string): Question {
  const filter: string[] = [];
  const kind: string[] = [];
  const code: string[] = [];
  const unknown: string[] = [];
  let receiver: string | undefined;
  for (const term of splitTerms(q)) {
    const [, key, value = ""] = facet.exec(term) ?? [];
    const plain = value.replace(/^"|"$/g, "");
    if (key === "receiver") receiver = plain;
    else if (key === "kind") kind.push(...plain.split(","));
    else if (key === "code") code.push(...plain.split(","));
    else if (/^[^@{]*(=|!=|=~|!~)/.test(term)) filter.push(term);
    else unknown.push(term);
  }
  return { params: { filter, kind, code, ...(receiver === undefined ? {} : { receiver }) }, unknown };
}
