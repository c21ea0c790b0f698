// The relabelling rule that keeps a metric from being stored.

/** The name is taken as it is: what means something to regular expressions is escaped, and YAML's quotes hold it. */
export function dropRule(metric: string): string {
  const regex = metric.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
  return `metric_relabel_configs:\n- source_labels: [__name__]\n  regex: ${JSON.stringify(regex)}\n  action: drop\n`;
}
