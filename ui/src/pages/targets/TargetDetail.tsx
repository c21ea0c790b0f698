import { Link } from "react-router";
import type { TargetRow } from "../../api/types.gen";
import { Labels } from "../../kit/Labels";
import { RelabelSteps } from "../../kit/RelabelSteps";
import { text } from "../../text";

const words = text.collect;

interface TargetDetailProps {
  pool: string;
  discovered: Record<string, string>;
  target: TargetRow;
}

/** What an opened target shows. */
export function TargetDetail({ pool, discovered, target }: TargetDetailProps) {
  return (
    <div className="stack">
      <p className="dim">
        {words.every(target.scrapeInterval, target.scrapeTimeout)}
        {" · "}
        <Link to={`/why?${new URLSearchParams({ q: JSON.stringify(target.scrapeUrl) })}`}>{words.why}</Link>
      </p>
      {target.lastError !== "" && (
        <div>
          <h3>{words.error}</h3>
          <pre>
            {target.errorCode ? `${target.errorCode}: ` : ""}
            {target.lastError}
          </pre>
        </div>
      )}
      <div>
        <h3>{text.labels.discovered}</h3>
        <Labels labels={discovered} />
      </div>
      <div>
        <h3>{words.relabelling}</h3>
        <RelabelSteps pool={pool} discovered={discovered} />
      </div>
    </div>
  );
}
