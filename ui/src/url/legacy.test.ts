import { expect, test } from "vitest";
import { understand } from "./legacy";
import { split } from "./prefix";

// Link of a peer → page and parameters of ours. The browser tests open the same kinds of links for real.
const links: ReadonlyArray<readonly [string, string]> = [
  // Prometheus 2 and 3.
  ["/graph?g0.expr=up&g0.tab=0", "/query?g0.expr=up&g0.tab=graph"],
  ["/graph?g0.expr=up&g0.tab=1&g1.expr=a&g1.tab=0", "/query?g0.expr=up&g0.tab=table&g1.expr=a&g1.tab=graph"],
  ["/classic/graph?g0.expr=up&g0.stacked=1", "/query?g0.expr=up&g0.display_mode=stacked"],
  ["/new/graph?g0.expr=up&g0.range_input=2h", "/query?g0.expr=up&g0.range_input=2h"],
  ["/query?g0.expr=up&g0.show_tree=0&dedup=true", "/query?g0.expr=up&g0.show_tree=0&dedup=true"],
  ["/alerts?search=node&state=firing&state=pending&page=3", "/alerts?state=firing,pending&q=node"],
  ["/rules?search=node&health=err", "/rules?health=err&q=node"],
  ["/rules?type=alert", "/rules?type=alerting"],
  ["/classic/targets?search=x", "/targets?q=x"],
  ["/new/alerts?search=x", "/alerts?q=x"],
  ["/alerts/?search=x", "/alerts?q=x"],
  ["/targets?search=x&pool=a&health=down", "/targets?pool=a&health=down&q=x"],
  ["/targets?scrapePool=a", "/targets?pool=a"],
  ["/targets#pool-kube%2Fnodes", "/targets?pool=kube/nodes"],
  ["/targets#pool-%zz", "/targets?pool=%25zz"],
  ["/service-discovery?search=x", "/discovery?q=x"],
  ["/service-discovery?pool=a&state=dropped", "/discovery?pool=a&outcome=dropped"],
  ["/service-discovery?state=active&state=dropped", "/discovery?outcome=kept,dropped"],
  ["/tsdb-status", "/storage?"],
  ["/alertmanager-discovery", "/peers?"],
  ["/agent", "/status?"],
  // Alertmanager.
  ["/#/alerts", "/alerts?state=firing"],
  [
    '/#/alerts?silenced=true&inhibited=false&active=true&filter=%7Balertname%3D"X"%7D&receiver=team',
    '/alerts?q={alertname="X"}&receiver=team&state=firing,silenced',
  ],
  ["/#/alerts?active=false&muted=true&inhibited=true", "/alerts?state=inhibited,muted"],
  ["/#/alerts?customGrouping=true&group=job,instance", "/alerts?state=firing&by=labels&group=job,instance"],
  ['/#/silences?filter=%7Ba%3D"b"%7D', '/silences?q={a="b"}'],
  ['/#/silences/new?filter=%7Ba%3D"b"%7D&comment=c', '/silences/new?filter={a="b"}&comment=c'],
  ["/#/silences/0b9f-1", "/silences/0b9f-1?"],
  ["/#/silences/0b9f-1/edit", "/silences/0b9f-1/edit?"],
  ["/#/status", "/status?"],
  ["/alertmanager/#/settings", "/alerts?settings=open"],
  ["/alertmanager/#/alerts?receiver=x", "/alerts?receiver=x&state=firing"],
  ["/#/nowhere", "/alerts?"],
  // A plus is one to Alertmanager; templates that escape as forms do mean a space.
  ['/#/alerts?filter={job=~".+"}', '/alerts?state=firing&q={job=~".%2B"}'],
  ["/#/alerts?filter=%7Bjob%3D~%22.+%22%7D", "/alerts?state=firing&q=%7Bjob%3D~%22.%2B%22%7D"],
  ["/#/silences/new?filter=%7Ba%3D%22x+y%22%7D", "/silences/new?filter=%7Ba%3D%22x%20y%22%7D"],
  ["/#/silences/new?filter=%7Ba%3D%22x+y%20z%22%7D", "/silences/new?filter=%7Ba%3D%22x%2By%20z%22%7D"],
  ["/#/silences/new?filter=%7Ba%3D%22x%2By%22%7D", "/silences/new?filter=%7Ba%3D%22x%2By%22%7D"],
  // VictoriaMetrics.
  [
    "/vmui/#/?g0.expr=up&g0.range_input=30m&g0.end_input=2026-08-21T10:00:00&g0.relative_time=none",
    "/query?g0.expr=up&g0.range_input=30m&g0.end_input=2026-08-21 10:00:00&g0.tab=graph",
  ],
  // A range that was chosen as relative ends now; the end is what it was when the link was made.
  [
    "/vmui/#/?g0.expr=up&g0.range_input=5m&g0.end_input=2020-01-01T00:00:00&g0.relative_time=last_3_hours&g1.expr=a",
    "/query?g0.expr=up&g0.range_input=3h&g0.tab=graph&g1.expr=a&g1.range_input=3h&g1.tab=graph",
  ],
  ["/vmui/#/?g0.expr=up&g0.tab=table", "/query?g0.expr=up&g0.tab=table"],
  ["/vmui/#/?g0.expr=up&g0.tab=1", "/query?g0.expr=up&g0.tab=table"],
  ["/vmui/#/alerts?search=x", "/alerts?q=x"],
  ["/vmui/#/rules?search=x", "/rules?q=x"],
  ["/vmui/#/cardinality?match=node_load1&topN=5", "/explore/metrics?q=node_load1"],
  ["/vmui/#/cardinality?topN=10", "/explore/metrics?"],
  ["/vmui/#/top-queries", "/queries?"],
  ["/vmui/#/active-queries", "/queries?view=running"],
  ["/vmui/", "/query?"],
  // Thanos.
  ["/blocks?min-time=1&ulid=x", "/blocks?min-time=1&ulid=x"],
  ["/loaded?find-overlapping=true", "/blocks?find-overlapping=true"],
  ["/stores", "/stores?"],
];

test.each(links)("%s", (link, expected) => {
  const url = new URL(link, "http://host");
  const { path, params } = understand(split(url.pathname).path, url.search, url.hash);
  const [expectedPath, expectedQuery] = expected.split("?");
  expect(path).toBe(expectedPath);
  // Order means nothing.
  const sorted = (found: URLSearchParams) => [...found].sort();
  expect(sorted(params)).toEqual(sorted(new URLSearchParams(expectedQuery ?? "")));
});
