// State of a page in its address. Old addresses are understood and stay as they are until something changes.
import { useCallback, useMemo, useRef } from "react";
import { useLocation, useNavigate } from "react-router";
import { understand } from "./legacy";

export type Changes = Record<string, string | null | undefined>;

export interface PageState {
  params: URLSearchParams;
  /** "" if it is not there. */
  get: (name: string) => string;
  /** Values that are not set or empty leave the address. Filters replace the entry of the history. */
  set: (changes: Changes, how?: { push?: boolean }) => void;
  replaceAll: (params: URLSearchParams, how?: { push?: boolean }) => void;
}

export function usePageState(): PageState {
  const { pathname, search, hash } = useLocation();
  const navigate = useNavigate();
  const link = useMemo(() => understand(pathname, search, hash), [pathname, search, hash]);
  // Two changes in one moment must not undo each other.
  const newest = useRef(link);
  newest.current = link;

  const replaceAll = useCallback(
    (params: URLSearchParams, how?: { push?: boolean }) => {
      newest.current = { ...newest.current, params };
      const text = params.toString();
      navigate({ pathname: newest.current.path, search: text === "" ? "" : `?${text}` }, { replace: !how?.push });
    },
    [navigate],
  );
  const set = useCallback(
    (changes: Changes, how?: { push?: boolean }) => {
      const params = new URLSearchParams(newest.current.params);
      for (const [name, value] of Object.entries(changes)) {
        if (value === null || value === undefined || value === "") params.delete(name);
        else params.set(name, value);
      }
      replaceAll(params, how);
    },
    [replaceAll],
  );
  const { params } = link;
  return useMemo(() => ({ params, get: (name) => params.get(name) ?? "", set, replaceAll }), [params, set, replaceAll]);
}
