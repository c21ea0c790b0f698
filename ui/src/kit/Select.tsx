// A choice among words: the browser's own, which every keyboard, phone and screen reader knows.
import { useId } from "react";

interface SelectProps {
  label: string;
  /** The label is shown above, or only told to screen readers. */
  showsLabel?: boolean;
  options: ReadonlyArray<{ value: string; label: string }>;
  /** "" shows the placeholder. */
  value: string;
  placeholder?: string;
  onChange: (value: string) => void;
  disabled?: boolean;
}

export function Select({
  label,
  showsLabel = false,
  options,
  value,
  placeholder,
  onChange,
  disabled = false,
}: SelectProps) {
  const id = useId();
  return (
    <span className="select">
      <label htmlFor={id} className={showsLabel ? undefined : "visually-hidden"}>
        {label}
      </label>
      <select id={id} value={value} disabled={disabled} onChange={(event) => onChange(event.currentTarget.value)}>
        {placeholder !== undefined && <option value="">{placeholder}</option>}
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </span>
  );
}
