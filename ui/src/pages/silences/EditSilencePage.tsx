// Changing a silence: `/silences/ID/edit`. One that has ended is made again.
import { useState } from "react";
import { useNavigate, useParams } from "react-router";
import { useBoot } from "../../api/hooks";
import type { SilenceRow } from "../../api/types.gen";
import { Page } from "../../kit/Page";
import { rowOf } from "../../kit/silence/matchers";
import { SilenceForm } from "../../kit/silence/SilenceForm";
import { defaultSpan, spanOf } from "../../kit/silence/span";
import { Empty, Shown } from "../../kit/states";
import { text } from "../../text";
import { Gone } from "./SilencePage";
import { useSilence } from "./useSilence";

const words = text.silences;

export default function EditSilencePage() {
  const { id = "" } = useParams();
  const isReadOnly = useBoot().data?.me.isReadOnly ?? true;
  return (
    <Page title={words.editTitle}>
      {isReadOnly ? <Empty title={text.shell.readOnly}>{text.shell.readOnlyHint}</Empty> : <Edit key={id} id={id} />}
    </Page>
  );
}

function Edit({ id }: { id: string }) {
  const found = useSilence(id, { live: false });
  return (
    <Shown of={found}>
      {(silence) =>
        silence === null ? (
          <Gone />
        ) : silence.matcherSets.length === 1 ? (
          <Change silence={silence} />
        ) : (
          <p>{words.manySets}</p>
        )
      }
    </Shown>
  );
}

function Change({ silence }: { silence: SilenceRow }) {
  const navigate = useNavigate();
  // As it was when the form opened: later answers do not change what is typed.
  const [initial] = useState(() => ({
    id: silence.state === "expired" ? undefined : silence.id,
    rows: (silence.matcherSets[0] ?? []).map(rowOf),
    span: silence.state === "expired" ? defaultSpan : spanOf(silence),
    createdBy: silence.createdBy,
    comment: silence.comment,
    annotations: silence.annotations,
  }));
  return (
    <SilenceForm
      initial={initial}
      onDone={(id) => void navigate(`/silences/${id}`)}
      onCancel={() => void navigate(`/silences/${silence.id}`)}
    />
  );
}
