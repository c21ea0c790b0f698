// Asking with TanStack Query: what is shown stays while it is asked anew, and live pages ask again by
// themselves.
import { type InfiniteData, keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useLive } from "../live/live";
import { type Answer, get, isFailure } from "./client";
import { haveOf, nothingKnown, whole } from "./delta";
import type { Boot, Gets } from "./types.gen";

interface Options {
  /** Not asked while false. */
  enabled?: boolean;
  /** Asked again as long as the page is live; figures move without anything that is an event. */
  live?: boolean | "figures";
}

export function useGet<P extends keyof Gets>(path: P, params: Gets[P]["params"], options: Options = {}) {
  const { intervalMs, figuresMs } = useLive();
  return useQuery<Answer<Gets[P]["answer"]>>({
    queryKey: [path, params],
    queryFn: ({ signal }) => get(path, params, signal),
    enabled: options.enabled ?? true,
    refetchInterval: ({ state }) => {
      const usual = options.live === "figures" ? figuresMs : options.live ? intervalMs : false;
      // What is asked once is asked again, too, until there is an answer: the page says so.
      return usual === false && intervalMs !== false && isPassing(state.error) ? againMs : usual;
    },
    placeholderData: keepPreviousData,
  });
}

const againMs = 5000;

/** A server that starts, or is away, will answer. */
export function isPassing(error: unknown): boolean {
  return isFailure(error, "not-ready") || isFailure(error, "unreachable");
}

/** The paths that answer a page of a list. */
export type ListPath = {
  [P in keyof Gets]: Gets[P]["answer"] extends { rows: unknown[]; facets: unknown } ? P : never;
}[keyof Gets];

type ListPart<P extends ListPath> = Gets[P]["answer"] & { rows: Array<RowOf<P>>; prints?: string[] | null };

export type RowOf<P extends ListPath> = Gets[P]["answer"]["rows"][number];

const rowsPerPage = "200";

/** A list that the server filters and sorts; more of it is asked for when the end comes near. */
export function useList<P extends ListPath>(path: P, params: Record<string, string>) {
  const { intervalMs } = useLive();
  return useInfiniteQuery({
    queryKey: [path, "list", params],
    queryFn: async ({ client, queryKey, signal, pageParam }) => {
      const before = client.getQueryData<InfiniteData<ListPart<P>, string>>(queryKey);
      const known = before?.pages[before.pageParams.indexOf(pageParam)];
      const ask = async (have: string) => {
        const asked = { ...params, limit: rowsPerPage, cursor: pageParam, have } as Gets[P]["params"];
        return (await get(path, asked, signal)).data as ListPart<P>;
      };
      return whole(await ask(haveOf(known)), known) ?? ask(nothingKnown);
    },
    initialPageParam: "",
    getNextPageParam: (last: ListPart<P>) => last.next ?? undefined,
    refetchInterval: intervalMs,
    placeholderData: keepPreviousData,
  });
}

export type List<P extends ListPath> = ReturnType<typeof useList<P>>;

export function useBoot() {
  return useQuery<Boot>({
    queryKey: ["boot"],
    queryFn: async ({ signal }) => (await get("/api/keepwatch/v1/boot", {}, signal)).data,
    // Until the server is there and ready; then only now and then, for a new version.
    refetchInterval: (query) =>
      query.state.data?.isReady && !isFailure(query.state.error, "unreachable") ? 60_000 : 2000,
  });
}

/** Whether our own API has a path; what is not there is not shown. */
export function useHas(path: string): boolean {
  return useBoot().data?.paths.includes(path) ?? false;
}
