// The selectors of an expression, and their parts: what an empty result may be due to.
import { parser } from "@prometheus-io/lezer-promql";

export interface Selector {
  /** As it is written. */
  text: string;
  /** "" if there is none outside of the braces. */
  name: string;
  /** As they are written, without the braces. */
  matchers: string[];
}

const selectorsMax = 5;

export function selectorsIn(expression: string): Selector[] {
  const found = new Map<string, Selector>();
  const tree = parser.parse(expression.slice(0, 20_000));
  tree.iterate({
    enter: ({ name, node, from, to }) => {
      if (name !== "VectorSelector") return;
      const text = expression.slice(from, to);
      const [first] = node.getChildren("Identifier");
      const matchers: string[] = [];
      // Each kind of matcher is a node of its own.
      for (let child = node.getChild("LabelMatchers")?.firstChild; child; child = child.nextSibling)
        matchers.push(expression.slice(child.from, child.to));
      found.set(text, { text, name: first ? expression.slice(first.from, first.to) : "", matchers });
    },
  });
  return [...found.values()].slice(0, selectorsMax);
}

/** The selector without one of its matchers; null if nothing would be left of it. */
export function without(selector: Selector, index: number): string | null {
  const rest = selector.matchers.filter((_, other) => other !== index);
  if (selector.name === "" && rest.length === 0) return null;
  return rest.length === 0 ? selector.name : `${selector.name}{${rest.join(",")}}`;
}
