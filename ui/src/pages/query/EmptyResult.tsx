// An empty result says of each selector whether its metric exists, which matcher leaves nothing, and when it had
// samples last.
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { get } from "../../api/client";
import { quote } from "../../kit/format";
import { Empty } from "../../kit/states";
import { Instant } from "../../kit/Time";
import { text } from "../../text";
import { type Selector, selectorsIn, without } from "./selectorsIn";

const words = text.explore;

type Cause =
  | { kind: "no-metric"; name: string }
  | { kind: "matcher"; matcher: string }
  | { kind: "matchers" }
  | { kind: "time"; lastMs: number | null };

const matchersMax = 10;
/** How far back the last sample is looked for. */
const back = { range: "1w", step: "5m", seriesMax: 1000 };

async function causeOf(selector: Selector, atSeconds: number, signal: AbortSignal): Promise<Cause> {
  const count = async (matching: string, limit = "1") =>
    (await get("/api/v1/series", { "match[]": [matching], limit }, signal)).data.length;
  const { name } = selector;
  if (name !== "" && (await count(`{__name__=${quote(name)}}`)) === 0) return { kind: "no-metric", name };
  const series = await count(selector.text, String(back.seriesMax));
  if (series === 0) {
    // More than one may be to blame; the first that would do is enough to go on.
    for (const [index, matcher] of selector.matchers.slice(0, matchersMax).entries()) {
      const rest = without(selector, index);
      if (rest !== null && selector.matchers.length > 1 && (await count(rest).catch(() => 0)) > 0)
        return { kind: "matcher", matcher };
    }
    const [only] = selector.matchers;
    return only !== undefined && selector.matchers.length === 1
      ? { kind: "matcher", matcher: only }
      : { kind: "matchers" };
  }
  if (series >= back.seriesMax) return { kind: "time", lastMs: null };
  const query = `max_over_time(max(timestamp(${selector.text}))[${back.range}:${back.step}])`;
  const { data } = await get("/api/v1/query", { query, time: String(atSeconds) }, signal);
  const value = data.resultType === "vector" ? Number(data.result[0]?.value?.[1]) : Number.NaN;
  return { kind: "time", lastMs: Number.isFinite(value) ? value * 1000 : null };
}

function Told({ cause, selector }: { cause: Cause; selector: Selector }) {
  const shown = <code className="wrap">{selector.text.slice(0, 300)}</code>;
  switch (cause.kind) {
    case "no-metric":
      return words.noMetric(cause.name);
    case "matcher":
      return (
        <>
          {shown} {words.matcherLeavesNothing} <code className="wrap">{cause.matcher.slice(0, 300)}</code>.
        </>
      );
    case "matchers":
      return (
        <>
          {shown} {words.matchersLeaveNothing}
        </>
      );
    case "time":
      return (
        <>
          {shown} {words.hasSeries}{" "}
          {cause.lastMs === null ? (
            words.notAtThisTime
          ) : (
            <>
              {words.lastSample} <Instant at={cause.lastMs} />.
            </>
          )}
        </>
      );
  }
}

function Line({ selector, atSeconds }: { selector: Selector; atSeconds: number }) {
  const found = useQuery({
    queryKey: ["why empty", selector.text, atSeconds],
    queryFn: ({ signal }) => causeOf(selector, atSeconds, signal),
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  if (found.error) return null;
  return <li>{found.data ? <Told cause={found.data} selector={selector} /> : words.checking}</li>;
}

/** `atSeconds` is the end of what was asked. */
export default function EmptyResult({ expression, atSeconds }: { expression: string; atSeconds: number }) {
  const selectors = selectorsIn(expression);
  // Answers of a panel that follows the time come often; the cause hardly changes.
  const at = Math.floor(atSeconds / 300) * 300;
  return (
    <Empty title={words.nothing} action={<Link to="/explore/metrics">{words.toMetrics}</Link>}>
      {selectors.length === 0 && words.nothingWhy}
      {selectors.length > 0 && (
        <ul className="plain-list">
          {selectors.map((selector) => (
            <Line key={selector.text} selector={selector} atSeconds={at} />
          ))}
        </ul>
      )}
    </Empty>
  );
}
