// Events of the journal, the newest first, with the reason of each decision; older ones are asked for by a button.
import { useInfiniteQuery } from "@tanstack/react-query";
import { Fragment } from "react";
import { Link } from "react-router";
import { get } from "../../api/client";
import type { Gets, Journal, JournalEvent } from "../../api/types.gen";
import { useLive } from "../../live/live";
import { text } from "../../text";
import { Icon, type IconName } from "../Icon";
import { Button } from "../mantine";
import { Failed, Loading } from "../states";
import { Instant } from "../Time";

const words = text.timeline;
const path = "/api/keepwatch/v1/journal";
const perPage = "100";

export type JournalParams = Gets[typeof path]["params"];

export function useJournal(params: JournalParams) {
  const { intervalMs } = useLive();
  return useInfiniteQuery({
    queryKey: [path, params],
    queryFn: async ({ signal, pageParam }) =>
      (await get(path, { ...params, limit: perPage, ...(pageParam === "" ? {} : { cursor: pageParam }) }, signal)).data,
    initialPageParam: "",
    getNextPageParam: (last: Journal) => last.next ?? undefined,
    refetchInterval: intervalMs,
    placeholderData: (before) => before,
  });
}

const icons: Record<string, IconName> = {
  alert: "alert",
  group: "rules",
  delivery: "right",
  silence: "silence",
  config: "config",
  rule: "rules",
};

/** Alerts that an event names: its own, or the first of many. */
function alertsOf(event: JournalEvent): Array<{ fingerprint: string; name: string }> {
  const one = event.fingerprint ? [{ fingerprint: event.fingerprint, labels: event.labels ?? {} }] : [];
  return [...one, ...(event.alerts ?? [])]
    .slice(0, 5)
    .map(({ fingerprint, labels }) => ({ fingerprint, name: labels.alertname ?? fingerprint }));
}

interface EventListProps {
  of: ReturnType<typeof useJournal>;
  /** A refused filter is told where it was typed. */
  hidesError?: boolean;
  /** Links to alerts lead somewhere else than where one is. */
  hasLinks: boolean;
}

export function EventList({ of: journal, hidesError = false, hasLinks }: EventListProps) {
  const pages = journal.data?.pages ?? [];
  const events = pages.flatMap((page) => page.events);
  const damage = [...new Set(pages.flatMap((page) => page.damage))];
  return (
    <>
      {journal.error !== null && !hidesError && <Failed error={journal.error} onRetry={() => void journal.refetch()} />}
      {damage.map((problem) => (
        <p key={problem} className="note small wrap">
          <Icon name="warn" size={13} /> {problem}
        </p>
      ))}
      {journal.isPending && journal.error === null && <Loading lines={6} />}
      {journal.data && events.length === 0 && !journal.hasNextPage && <p className="dim">{words.noEvents}</p>}
      <ol className="journal">
        {events.map((event) => (
          <li key={event.id}>
            <span className="small dim">
              <Instant at={event.at} />
            </span>
            <Icon name={icons[event.kind] ?? "none"} size={14} />
            <span className="wrap">
              {event.text.slice(0, 2000)} <code className="dim">{event.code}</code>
              {hasLinks &&
                alertsOf(event).map(({ fingerprint, name }) => (
                  <Fragment key={fingerprint}>
                    {" "}
                    <Link className="small" to={`/alert/${fingerprint}`}>
                      {name}
                    </Link>
                  </Fragment>
                ))}
            </span>
          </li>
        ))}
      </ol>
      {journal.hasNextPage && (
        <Button variant="default" loading={journal.isFetchingNextPage} onClick={() => void journal.fetchNextPage()}>
          {words.older}
        </Button>
      )}
    </>
  );
}
