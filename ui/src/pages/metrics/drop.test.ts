import { expect, test } from "vitest";
import { dropRule } from "./drop";

test("a rule drops exactly the metric", () => {
  expect(dropRule("node_load1")).toBe(
    'metric_relabel_configs:\n- source_labels: [__name__]\n  regex: "node_load1"\n  action: drop\n',
  );
  expect(dropRule('a.b"*')).toContain('regex: "a\\\\.b\\"\\\\*"');
});
