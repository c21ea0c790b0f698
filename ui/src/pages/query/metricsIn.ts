// The names of metrics that an expression selects.
import { parser } from "@prometheus-io/lezer-promql";

const namesMax = 10;

export function metricsIn(expression: string): string[] {
  const names = new Set<string>();
  parser.parse(expression.slice(0, 20_000)).iterate({
    enter: (node) => {
      // A selector begins with its name, if it has one outside of the braces.
      if (node.name !== "VectorSelector") return;
      const name = node.node.firstChild;
      if (name?.name === "Identifier") names.add(expression.slice(name.from, name.to));
    },
  });
  return [...names].slice(0, namesMax);
}
