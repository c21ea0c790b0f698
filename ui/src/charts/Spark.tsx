// A small line without axes, with its newest value in words.

interface SparkProps {
  values: readonly number[];
  label: string;
}

const width = 96;
const height = 20;

export function Spark({ values, label }: SparkProps) {
  const max = Math.max(...values, 1e-9);
  const points = values.map((value, index) => {
    const x = (index / Math.max(values.length - 1, 1)) * (width - 2) + 1;
    const y = height - 1 - (Math.max(value, 0) / max) * (height - 2);
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  });
  return (
    <svg width={width} height={height} role="img" aria-label={label}>
      <polyline points={points.join(" ")} fill="none" stroke="var(--accent)" strokeWidth="1.5" />
    </svg>
  );
}
