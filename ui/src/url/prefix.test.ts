import { expect, test } from "vitest";
import { shownBy, split } from "./prefix";

test.each([
  ["/query", "", "/query"],
  ["/", "", "/"],
  ["/prom/query", "/prom", "/query"],
  ["/a/b/silences/new", "/a/b", "/silences/new"],
  ["/silences/0123-abc/edit", "", "/silences/0123-abc/edit"],
  // The external URL of an Alertmanager may lead there alone.
  ["/alertmanager/", "/alertmanager", "/"],
  ["/team/alertmanager", "/team/alertmanager", "/"],
  ["/alertmanager/silences/new", "/alertmanager", "/silences/new"],
  ["/classic/graph", "", "/classic/graph"],
  ["/targets/", "", "/targets/"],
  // A proxy may have a prefix that is the name of a page.
  ["/status/alerts", "/status", "/alerts"],
  ["/prom/", "/prom", "/"],
])("%s", (pathname, prefix, path) => {
  expect(split(pathname)).toEqual({ prefix, path });
});

test.each([
  ["/graph", "/query"],
  ["/tsdb-status", "/storage"],
  ["/silences/new", "/silences/new"],
  ["/silences/1", "/silences/{id}"],
  ["/nowhere", undefined],
])("%s shows %s", (path, shows) => {
  expect(shownBy(path)).toBe(shows);
});
