// One silence, by its id.
import { useState } from "react";
import { Link, useParams } from "react-router";
import { Page } from "../../kit/Page";
import { State } from "../../kit/State";
import { isAcknowledgement } from "../../kit/silence/acknowledged";
import { Empty, Shown } from "../../kit/states";
import { text } from "../../text";
import { type Asked, Bulk } from "./Bulk";
import { SilenceDetail } from "./SilenceDetail";
import { useSilence } from "./useSilence";

const words = text.silences;

export default function SilencePage() {
  const { id = "" } = useParams();
  const found = useSilence(id);
  const [asked, setAsked] = useState<Asked | null>(null);
  return (
    <Page title={words.one} actions={<Link to="/silences">{words.title}</Link>}>
      <Shown of={found}>
        {(silence) =>
          silence === null ? (
            <Gone />
          ) : (
            <>
              <p className="row">
                <State of={silence.state} />
                {isAcknowledgement(silence) && <State of="acknowledged" />}
              </p>
              <SilenceDetail silence={silence} onAsk={setAsked} />
            </>
          )
        }
      </Shown>
      <Bulk asked={asked} onClose={() => setAsked(null)} />
    </Page>
  );
}

export function Gone() {
  return (
    <Empty title={words.gone} action={<Link to="/silences">{words.title}</Link>}>
      {words.goneWhy}
    </Empty>
  );
}
