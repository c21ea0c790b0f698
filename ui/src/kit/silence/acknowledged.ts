// Which silences are acknowledgements: the server makes them longer as long as their alerts fire. It has the same rule.
import type { SilenceRow } from "../../api/types.gen";

/** Annotation; the value is `true`. */
export const acknowledged = "acknowledged";
const word = "acknowledged=true";

export function isAcknowledgement({ annotations, comment }: Pick<SilenceRow, "annotations" | "comment">): boolean {
  return annotations[acknowledged] === "true" || comment.split(/[ ,;\n\t]/).includes(word);
}
