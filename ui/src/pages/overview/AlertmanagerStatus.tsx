// What the overview shows of an Alertmanager alone: alerts and silences in numbers, its cluster, its configuration.
import { lazy, Suspense } from "react";
import { Link } from "react-router";
import { useBoot, useGet } from "../../api/hooks";
import { formatCount } from "../../kit/format";
import { Page } from "../../kit/Page";
import { Loading, Shown } from "../../kit/states";
import { Instant } from "../../kit/Time";
import { text } from "../../text";

const words = text.server.overview;
const Yaml = lazy(() => import("../../kit/Yaml"));

export function AlertmanagerStatus() {
  const boot = useBoot().data;
  const status = useGet("/api/v2/status", {}, { live: true });
  const alerts = useGet("/api/keepwatch/v1/alerts", { limit: "1" }, { live: true }).data?.data;
  const silences = useGet("/api/keepwatch/v1/silences", { limit: "1" }, { live: true }).data?.data;
  const firing = alerts?.facets.state?.firing ?? 0;
  return (
    <Page title={text.shell.pages.overview}>
      <Shown of={status}>
        {({ data }) => (
          <div className="stack">
            <div className="cards">
              <section className="card">
                <h2 className="small">
                  <Link to="/alerts">{words.alerts}</Link>
                </h2>
                <p className={`figure ${firing > 0 ? "bad" : ""}`}>
                  {formatCount(firing)} <small>{words.firing}</small>
                </p>
              </section>
              <section className="card">
                <h2 className="small">
                  <Link to="/silences">{text.silences.title}</Link>
                </h2>
                <p className="figure">
                  {formatCount(silences?.facets.state?.active ?? 0)} <small>{text.states.active}</small>
                </p>
              </section>
              <section className="card">
                <h2 className="small">
                  <Link to="/peers">{words.cluster}</Link>
                </h2>
                <p className="figure">{data.cluster.status === "disabled" ? words.single : data.cluster.status}</p>
              </section>
            </div>
            <section className="card">
              <h2>{words.about}</h2>
              <table className="facts">
                <tbody>
                  <tr>
                    <th scope="row">{words.version}</th>
                    <td>{boot?.version}</td>
                  </tr>
                  <tr>
                    <th scope="row">{words.started}</th>
                    <td>
                      <Instant at={data.uptime} />
                    </td>
                  </tr>
                  <tr>
                    <th scope="row">{words.url}</th>
                    <td>{boot?.externalUrl}</td>
                  </tr>
                </tbody>
              </table>
            </section>
            <section>
              <h2>{words.config}</h2>
              <Suspense fallback={<Loading />}>
                <Yaml text={data.config.original} label={words.config} />
              </Suspense>
            </section>
          </div>
        )}
      </Shown>
    </Page>
  );
}
