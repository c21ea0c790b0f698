// The comment of a silence, with templates: chosen, kept and removed beside it.
import { text } from "../../text";
import { Button, TextInput } from "../mantine";
import { Select } from "../Select";
import { useSettings } from "../settings";
import { addTemplate, readTemplates, removeTemplate, templatesMax } from "./templates";

const words = text.silences;
const titleMax = 100;

interface CommentFieldProps {
  value: string;
  error?: string | undefined;
  onChange: (comment: string) => void;
}

export function CommentField({ value, error, onChange }: CommentFieldProps) {
  const templates = readTemplates(useSettings().templates);
  const comment = value.trim();
  const isTemplate = templates.includes(comment);
  return (
    <div>
      <TextInput
        label={words.comment}
        required
        placeholder={words.commentHint}
        maxLength={10_000}
        value={value}
        error={error}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
      <div className="row" style={{ marginTop: 6 }}>
        {templates.length > 0 && (
          <Select
            label={words.template}
            options={templates.map((one) => ({
              value: one,
              label: one.length > titleMax ? `${one.slice(0, titleMax)}…` : one,
            }))}
            value={isTemplate ? comment : ""}
            placeholder={words.chooseTemplate}
            onChange={(chosen) => chosen !== "" && onChange(chosen)}
          />
        )}
        {isTemplate ? (
          <Button size="compact-sm" variant="default" onClick={() => removeTemplate(comment)}>
            {words.removeTemplate}
          </Button>
        ) : (
          <Button
            size="compact-sm"
            variant="default"
            disabled={comment === ""}
            title={templates.length >= templatesMax ? words.templatesFull(templatesMax) : undefined}
            onClick={() => addTemplate(comment)}
          >
            {words.saveTemplate}
          </Button>
        )}
      </div>
      <p className="dim small">{words.templatesAbout}</p>
    </div>
  );
}
