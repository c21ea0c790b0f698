// What an opened rule shows: its definition, and its alerts now.
import { Link } from "react-router";
import { useGet } from "../../api/hooks";
import type { RuleRow } from "../../api/types.gen";
import { shortDuration } from "../../kit/duration";
import { Labels } from "../../kit/Labels";
import { Promql } from "../../kit/Promql";
import { State } from "../../kit/State";
import { Shown } from "../../kit/states";
import { Ago } from "../../kit/Time";
import { text } from "../../text";

const words = text.alerts;

export function RuleDetail({ rule }: { rule: RuleRow }) {
  const facts: Array<[string, React.ReactNode]> = [
    [
      words.file,
      <span className="mono wrap" key="file">
        {rule.file}
      </span>,
    ],
    [words.interval, shortDuration(rule.intervalSeconds * 1000)],
  ];
  if (rule.holdSeconds > 0) facts.push([words.hold, shortDuration(rule.holdSeconds * 1000)]);
  if (rule.keepFiringSeconds > 0) facts.push([words.keep, shortDuration(rule.keepFiringSeconds * 1000)]);
  if (Object.keys(rule.labels).length > 0) facts.push([text.labels.all, <Labels key="labels" labels={rule.labels} />]);
  for (const [name, value] of Object.entries(rule.annotations))
    facts.push([
      name,
      <span className="wrap" key={name}>
        {value}
      </span>,
    ]);
  const query = new URLSearchParams({ "g0.expr": rule.expression, "g0.tab": "graph", "g0.range_input": "1h" });
  return (
    <div className="stack">
      <div>
        <Promql text={rule.expression} />
        <p style={{ marginTop: 6 }}>
          <Link to={`/query?${query}`}>{words.runInQuery}</Link>
        </p>
      </div>
      {rule.error && <pre className="bad">{rule.error}</pre>}
      <table className="facts">
        <tbody>
          {facts.map(([name, value]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{value}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {rule.firing + rule.pending > 0 && <AlertsOf rule={rule} />}
    </div>
  );
}

const shownMax = 100;

function AlertsOf({ rule }: { rule: RuleRow }) {
  const asked = { "rule_name[]": [rule.name], "rule_group[]": [rule.group], "file[]": [rule.file] };
  const rules = useGet("/api/v1/rules", asked, { live: true });
  return (
    <section>
      <h3>{words.active}</h3>
      <Shown of={rules} lines={3}>
        {({ data }) => {
          const found = data.groups
            .flatMap((group) => group.rules)
            .flatMap((one) => ("alerts" in one && one.query === rule.expression ? one.alerts : []));
          return (
            <ul className="plain-list">
              {found.slice(0, shownMax).map((alert) => (
                <li
                  key={JSON.stringify(alert.labels)}
                  className="row"
                  style={{ flexWrap: "nowrap", alignItems: "flex-start" }}
                >
                  <State of={alert.state} />
                  <span className="small" style={{ whiteSpace: "nowrap" }}>
                    <Ago at={alert.activeAt} />
                  </span>
                  <Labels labels={alert.labels} without={["alertname"]} />
                </li>
              ))}
            </ul>
          );
        }}
      </Shown>
    </section>
  );
}
