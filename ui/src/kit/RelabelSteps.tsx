// What each relabelling rule of a job does to one target: the rule, and how the labels differ after it.
import { useGet } from "../api/hooks";
import type { RelabelStep } from "../api/types.gen";
import { text } from "../text";
import { State } from "./State";
import { Shown } from "./states";

const words = text.collect;

interface Difference {
  name: string;
  kind: "added" | "changed" | "removed";
  before: string | undefined;
  after: string | undefined;
}

export function differences(before: Record<string, string>, after: Record<string, string>): Difference[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names.flatMap((name): Difference[] => {
    const [old, fresh] = [before[name], after[name]];
    if (old === fresh) return [];
    const kind = old === undefined ? "added" : fresh === undefined ? "removed" : "changed";
    return [{ name, kind, before: old, after: fresh }];
  });
}

export function RelabelSteps({ pool, discovered }: { pool: string; discovered: Record<string, string> }) {
  const labels = JSON.stringify(discovered);
  const trace = useGet("/api/keepwatch/v1/targets/relabel", { pool, labels });
  return (
    <Shown of={trace} lines={3}>
      {({ data }) => <StepList steps={data.steps} discovered={discovered} />}
    </Shown>
  );
}

export function StepList({ steps, discovered }: { steps: readonly RelabelStep[]; discovered: Record<string, string> }) {
  if (steps.length === 0) return <p className="dim">{words.relabelNone}</p>;
  return (
    <ol className="steps">
      {steps.map((step, index) => {
        const before = index === 0 ? discovered : (steps[index - 1]?.labels ?? {});
        return (
          <li key={index} className={step.kept ? undefined : "dropped"}>
            <pre>{step.rule.trim()}</pre>
            <div>
              {step.kept ? <Changes of={differences(before, step.labels)} /> : <State of="dropped" />}
              {!step.kept && <span className="bad"> {words.drops}</span>}
            </div>
          </li>
        );
      })}
    </ol>
  );
}

function Changes({ of: list }: { of: readonly Difference[] }) {
  if (list.length === 0) return <span className="dim">{words.unchanged}</span>;
  return (
    <table className="facts small">
      <tbody>
        {list.map((one) => (
          <tr key={one.name}>
            <th scope="row" className="mono">
              {one.name}
            </th>
            <td className="mono">
              <span className="visually-hidden">{words[one.kind]} </span>
              {one.before !== undefined && <del>{one.before === "" ? '""' : one.before}</del>}
              {one.before !== undefined && one.after !== undefined && " → "}
              {one.after !== undefined && <ins>{one.after === "" ? '""' : one.after}</ins>}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
