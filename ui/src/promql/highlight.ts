// PromQL in colours.
import { parser } from "@prometheus-io/lezer-promql";
import { highlight, type Piece } from "../kit/highlight";

export function highlightPromql(text: string): Piece[][] {
  return highlight(text, parser);
}
