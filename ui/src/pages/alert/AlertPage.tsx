// One alert, by its fingerprint.
import { Link, useParams } from "react-router";
import { useGet, useHas } from "../../api/hooks";
import { AlertDetail } from "../../kit/AlertDetail";
import { Page } from "../../kit/Page";
import { RouteEnds } from "../../kit/RouteEnds";
import { State } from "../../kit/State";
import { Empty, Shown } from "../../kit/states";
import { Ago } from "../../kit/Time";
import { text } from "../../text";
import { AlertPast } from "./AlertPast";

const words = text.alerts;

export default function AlertPage() {
  const { fingerprint = "" } = useParams();
  // Fingerprints are hexadecimal; anything else would be another filter.
  const isValid = /^[0-9a-f]{1,16}$/.test(fingerprint);
  const found = useGet(
    "/api/keepwatch/v1/alerts",
    { q: `@fingerprint:${fingerprint}` },
    { enabled: isValid, live: true },
  );
  const hasJournal = useHas("/journal");
  const alert = found.data?.data.rows[0];
  // Also of one that is over: the journal may know it.
  const past = isValid && fingerprint.length === 16 && hasJournal && (
    <AlertPast fingerprint={fingerprint} alert={alert} />
  );
  const gone = (
    <Empty title={words.gone} action={<Link to="/alerts">{text.shell.pages.alerts}</Link>}>
      {words.goneWhy}
    </Empty>
  );
  return (
    <Page title={alert?.labels.alertname ?? fingerprint.slice(0, 40)}>
      {!isValid && gone}
      {isValid && (
        <Shown of={found}>
          {() =>
            alert === undefined ? (
              gone
            ) : (
              <div className="stack">
                <p className="row">
                  <State of={alert.state} /> <Ago at={alert.since} />
                </p>
                <AlertDetail alert={alert} linksToPage={false} />
                {past}
                <section>
                  <h2>{words.routing.result}</h2>
                  <RouteEnds labels={alert.labels} at="" />
                </section>
              </div>
            )
          }
        </Shown>
      )}
      {alert === undefined && past}
    </Page>
  );
}
