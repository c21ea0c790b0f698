// Routing: the tree, and where an alert with some labels would go; beside it what another configuration would change.
import { lazy, Suspense, useState } from "react";
import { useGet } from "../../api/hooks";
import type { Routing } from "../../api/types.gen";
import { labelsText } from "../../kit/AlertDetail";
import { Button, Tabs, TextInput } from "../../kit/mantine";
import { Page } from "../../kit/Page";
import { EndList, useRouteAnswer } from "../../kit/RouteEnds";
import { Select } from "../../kit/Select";
import { Failed, Loading, Shown } from "../../kit/states";
import { text } from "../../text";
import { usePageState } from "../../url/state";
import { parseLabels } from "./labels";
import { RouteTree } from "./RouteTree";

const words = text.alerts.routing;

const Compare = lazy(() => import("./Compare").then(({ Compare }) => ({ default: Compare })));

export default function RoutingPage() {
  const state = usePageState();
  const view = state.get("view") === "compare" ? "compare" : "tree";
  return (
    <Page title={text.shell.pages.routing}>
      <Tabs
        value={view}
        onChange={(next) => state.set({ view: next === "compare" ? next : null }, { push: true })}
        keepMounted={false}
      >
        <Tabs.List mb={8}>
          <Tabs.Tab value="tree">{words.views.tree}</Tabs.Tab>
          <Tabs.Tab value="compare">{words.views.compare}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="tree">
          <Tree />
        </Tabs.Panel>
        <Tabs.Panel value="compare">
          <Suspense fallback={<Loading />}>
            <Compare />
          </Suspense>
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}

function Tree() {
  const state = usePageState();
  const routing = useGet("/api/keepwatch/v1/route/tree", {}, { live: true });
  const asked = state.get("labels");
  const labels = asked === "" ? null : parseLabels(asked);
  const answer = useRouteAnswer(labels ?? {}, state.get("at"), labels !== null);
  return (
    <>
      <Question
        key={`${asked} ${state.get("at")}`}
        labels={asked}
        at={state.get("at")}
        onAsk={(next) => state.set(next, { push: true })}
      />
      {answer.error !== null && labels !== null && (
        <Failed error={answer.error} onRetry={() => void answer.refetch()} />
      )}
      {labels !== null && answer.data && (
        <section style={{ margin: "12px 0" }} aria-live="polite">
          <h2>{words.result}</h2>
          {answer.data.ends.length === 0 ? <p>{words.none}</p> : <EndList ends={answer.data.ends} />}
        </section>
      )}
      <Shown of={routing}>
        {({ data }) => (
          <div className="stack">
            <section>
              <h2>{words.tree}</h2>
              <RouteTree root={data.root} visits={labels === null ? undefined : answer.data?.visits} />
            </section>
            <Receivers routing={data} />
          </div>
        )}
      </Shown>
    </>
  );
}

interface QuestionProps {
  labels: string;
  at: string;
  onAsk: (question: { labels: string; at: string }) => void;
}

function Question({ labels, at, onAsk }: QuestionProps) {
  const [typed, setTyped] = useState(labels);
  const [time, setTime] = useState(at);
  const firing = useGet("/api/keepwatch/v1/alerts", { limit: "100" }, { live: true }).data?.data.rows ?? [];
  const isWrong = typed.trim() !== "" && parseLabels(typed) === null;
  const choices = firing.map((alert) => ({ value: alert.fingerprint, label: labelsText(alert.labels).slice(0, 160) }));
  const choose = (fingerprint: string) => {
    const alert = firing.find((one) => one.fingerprint === fingerprint);
    if (alert) onAsk({ labels: `{${labelsText(alert.labels)}}`, at: time });
  };
  return (
    <form
      className="row"
      style={{ alignItems: "flex-start" }}
      onSubmit={(event) => {
        event.preventDefault();
        if (!isWrong) onAsk({ labels: typed.trim() === "" ? "{}" : typed, at: time });
      }}
    >
      <TextInput
        className="grow"
        label={words.ask}
        placeholder={words.askHint}
        value={typed}
        maxLength={20_000}
        error={isWrong ? words.labelsWrong : undefined}
        onChange={(event) => setTyped(event.currentTarget.value)}
        data-filter
      />
      <TextInput
        label={words.at}
        placeholder={words.atHint}
        value={time}
        onChange={(event) => setTime(event.currentTarget.value)}
      />
      <Select
        showsLabel
        label={words.choose}
        options={choices}
        value=""
        placeholder={choices.length === 0 ? text.none : words.chooseOne}
        onChange={choose}
        disabled={choices.length === 0}
      />
      <Button type="submit" mt={24}>
        {words.run}
      </Button>
    </form>
  );
}

function Receivers({ routing }: { routing: Routing }) {
  return (
    <section>
      <h2>{words.receivers}</h2>
      <table className="facts">
        <thead className="visually-hidden">
          <tr>
            <th scope="col">{words.receiver}</th>
            <th scope="col">{words.integrations}</th>
          </tr>
        </thead>
        <tbody>
          {routing.receivers.map((receiver) => (
            <tr key={receiver.name}>
              <th scope="row" className="wrap" style={{ width: "50%" }}>
                {receiver.name}
              </th>
              <td>
                {receiver.integrations.length === 0 ? (
                  <span className="dim">{words.noIntegrations}</span>
                ) : (
                  receiver.integrations.join(", ")
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
