// Where an alert goes: the receivers it ends at, with what would keep them from being told.
import { useQuery } from "@tanstack/react-query";
import { post } from "../api/client";
import type { RouteAnswer, RouteEnd } from "../api/types.gen";
import { text } from "../text";
import { Labels } from "./Labels";
import { Shown } from "./states";
import { Ago } from "./Time";

const words = text.alerts.routing;

/** Asks what the routes say to an alert; `at` is "" for now. */
export function useRouteAnswer(labels: Record<string, string>, at: string, isEnabled = true) {
  return useQuery<RouteAnswer>({
    queryKey: ["route", labels, at],
    queryFn: async ({ signal }) =>
      (await post("/api/keepwatch/v1/route/explain", { labels, at: at === "" ? null : at }, signal)).data,
    enabled: isEnabled,
  });
}

export function RouteEnds({ labels, at }: { labels: Record<string, string>; at: string }) {
  const answer = useRouteAnswer(labels, at);
  return (
    <Shown of={answer} lines={3}>
      {({ ends }) => (ends.length === 0 ? <p>{words.none}</p> : <EndList ends={ends} />)}
    </Shown>
  );
}

export function EndList({ ends }: { ends: readonly RouteEnd[] }) {
  return (
    <ul className="plain-list">
      {ends.map((end) => (
        <li key={end.routeId} className="card">
          <h3 className="wrap">{end.receiver}</h3>
          {end.suppressedBy.length > 0 && <p className="state warn">{words.suppressed}</p>}
          {end.suppressedBy.map((reason) => (
            <p key={`${reason.code} ${reason.message}`}>
              <span className="wrap">{reason.message}</span>
              {reason.until && (
                <>
                  {words.until}
                  <Ago at={reason.until} />
                </>
              )}{" "}
              <code className="dim">{reason.code}</code>
            </p>
          ))}
          <table className="facts small">
            <tbody>
              <tr>
                <th scope="row">{words.group}</th>
                <td>
                  <Labels labels={end.groupLabels} />
                </td>
              </tr>
              <tr>
                <th scope="row">{words.wait}</th>
                <td>{end.groupWait}</td>
              </tr>
              <tr>
                <th scope="row">{words.interval}</th>
                <td>{end.groupInterval}</td>
              </tr>
              <tr>
                <th scope="row">{words.repeat}</th>
                <td>{end.repeatInterval}</td>
              </tr>
              <tr>
                <th scope="row">{end.membership === "member" ? words.nextFlush : words.wouldFlush}</th>
                <td>
                  <Ago at={end.nextFlush} />
                </td>
              </tr>
              <tr>
                <th scope="row">{words.integrations}</th>
                <td>
                  {end.integrations.length === 0 && <span className="dim">{words.noIntegrations}</span>}
                  {end.integrations.map((integration, index) => (
                    <span key={index}>
                      {integration.name}: {words.told[integration.told] ?? integration.told}
                      {integration.toldAt && integration.told !== "nothing" && (
                        <>
                          {", "}
                          <Ago at={integration.toldAt} />
                        </>
                      )}{" "}
                    </span>
                  ))}
                </td>
              </tr>
            </tbody>
          </table>
        </li>
      ))}
    </ul>
  );
}
