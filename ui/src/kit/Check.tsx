// A box with its label: the browser's own.
import { useId } from "react";

interface CheckProps {
  label: string;
  checked: boolean;
  onChange: (isChecked: boolean) => void;
  /** What is wrong with how it stands. */
  error?: string | undefined;
}

export function Check({ label, checked, onChange, error }: CheckProps) {
  const id = useId();
  return (
    <>
      <label className="check">
        <input
          type="checkbox"
          className="select-row"
          checked={checked}
          aria-invalid={error !== undefined}
          aria-describedby={error === undefined ? undefined : id}
          onChange={(event) => onChange(event.currentTarget.checked)}
        />
        {label}
      </label>
      {error !== undefined && (
        <p className="bad small" id={id}>
          {error}
        </p>
      )}
    </>
  );
}
