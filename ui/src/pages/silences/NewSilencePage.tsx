// A new silence: `/silences/new?filter={a="b"}&comment=…&duration=2h`, as links of alerts and of the peers have it.
import { useNavigate } from "react-router";
import { useBoot, useGet } from "../../api/hooks";
import { parseDuration } from "../../kit/duration";
import { Page } from "../../kit/Page";
import { rowOf } from "../../kit/silence/matchers";
import { SilenceForm } from "../../kit/silence/SilenceForm";
import { defaultSpan } from "../../kit/silence/span";
import { Empty, Failed, Loading } from "../../kit/states";
import { text } from "../../text";
import { usePageState } from "../../url/state";

const words = text.silences;

export default function NewSilencePage() {
  const state = usePageState();
  const filter = state.get("filter");
  const isReadOnly = useBoot().data?.me.isReadOnly;
  return (
    <Page title={words.newTitle}>
      {isReadOnly === true && <Empty title={text.shell.readOnly}>{text.shell.readOnlyHint}</Empty>}
      {isReadOnly === false && (
        <New
          key={state.params.toString()}
          filter={filter}
          comment={state.get("comment")}
          length={state.get("duration")}
        />
      )}
    </Page>
  );
}

function New({ filter, comment, length }: { filter: string; comment: string; length: string }) {
  const navigate = useNavigate();
  // The server reads the matchers; what it cannot read is said, and the form starts without them.
  const read = useGet("/api/keepwatch/v1/silences/preview", { filter }, { enabled: filter !== "" });
  if (filter !== "" && read.data === undefined && read.error === null) return <Loading />;
  const lengthMs = parseDuration(length) || defaultSpan.lengthMs;
  const initial = {
    rows: (read.data?.data.matchers ?? []).map(rowOf),
    span: { ...defaultSpan, lengthMs },
    comment,
  };
  return (
    <>
      {read.error !== null && <Failed error={read.error} />}
      <SilenceForm
        initial={initial}
        onDone={(id) => void navigate(`/silences/${id}`)}
        onCancel={() => void navigate("/silences")}
      />
    </>
  );
}
