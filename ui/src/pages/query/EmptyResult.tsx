// An empty result says whether the metrics in it exist.
import { useQueries } from "@tanstack/react-query";
import { Link } from "react-router";
import { get } from "../../api/client";
import { quote } from "../../kit/format";
import { Empty } from "../../kit/states";
import { text } from "../../text";
import { metricsIn } from "./metricsIn";

const words = text.explore;

export function EmptyResult({ expression }: { expression: string }) {
  const names = metricsIn(expression);
  const found = useQueries({
    queries: names.map((name) => ({
      queryKey: ["exists", name],
      queryFn: async ({ signal }: { signal: AbortSignal }) => {
        const selector = `{__name__=${quote(name)}}`;
        return (await get("/api/v1/series", { "match[]": [selector], limit: "1" }, signal)).data.length > 0;
      },
    })),
  });
  return (
    <Empty title={words.nothing} action={<Link to="/explore/metrics">{words.toMetrics}</Link>}>
      {names.length === 0 && words.nothingWhy}
      {names.map((name, index) => {
        const exists = found[index]?.data;
        return (
          <span key={name}>
            {exists === undefined ? words.checking : exists ? words.hasMetric(name) : words.noMetric(name)}{" "}
          </span>
        );
      })}
    </Empty>
  );
}
