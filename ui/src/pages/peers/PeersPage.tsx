// Peers: Alertmanagers that alerts go to, and the cluster of Alertmanagers.
import { Link } from "react-router";
import { useGet, useHas } from "../../api/hooks";
import { Page } from "../../kit/Page";
import { Shown } from "../../kit/states";
import { text } from "../../text";

const words = text.server.peers;

export default function PeersPage() {
  // An Alertmanager alone hands alerts to nobody.
  const sendsAlerts = useHas("/rules");
  const managers = useGet("/api/v1/alertmanagers", {}, { live: true, enabled: sendsAlerts });
  const status = useGet("/api/v2/status", {}, { live: true });
  const receivers = useGet("/api/v2/receivers", {});
  return (
    <Page title={text.shell.pages.peers}>
      <div className="stack">
        {sendsAlerts && (
          <section className="card">
            <h2>{words.alertmanagers}</h2>
            <Shown of={managers} lines={2}>
              {({ data }) => (
                <table className="facts">
                  <tbody>
                    {data.activeAlertmanagers.map((one) => (
                      <tr key={one.url}>
                        <td className="mono wrap">{one.url}</td>
                        <td>
                          <span className="state ok">{words.active}</span>
                        </td>
                      </tr>
                    ))}
                    {data.droppedAlertmanagers.map((one) => (
                      <tr key={one.url}>
                        <td className="mono wrap">{one.url}</td>
                        <td>
                          <span className="state quiet">{words.dropped}</span>
                        </td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              )}
            </Shown>
          </section>
        )}
        <section className="card">
          <h2>{words.cluster}</h2>
          <Shown of={status} lines={2}>
            {({ data }) =>
              data.cluster.status === "disabled" ? (
                <p>{words.disabled}</p>
              ) : (
                <>
                  <p>{data.cluster.status}</p>
                  <ul>
                    {data.cluster.peers.map((peer) => (
                      <li key={peer.name} className="mono wrap">
                        {peer.name} {peer.address}
                      </li>
                    ))}
                  </ul>
                </>
              )
            }
          </Shown>
        </section>
        <section className="card">
          <h2>{words.receivers}</h2>
          <Shown of={receivers} lines={2}>
            {({ data }) => (
              <ul>
                {data.map((one) => (
                  <li key={one.name} className="wrap">
                    {one.name}
                  </li>
                ))}
              </ul>
            )}
          </Shown>
          <Link to="/routing">{text.shell.pages.routing}</Link>
        </section>
      </div>
    </Page>
  );
}
