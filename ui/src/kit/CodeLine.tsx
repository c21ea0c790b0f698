import type { Piece } from "./highlight";

/** A line of highlighted text, with its end. */
export function CodeLine({ pieces }: { pieces: readonly Piece[] }) {
  return (
    <span className="code-line">
      {pieces.map((piece, index) => (
        <span key={index} className={piece.style || undefined}>
          {piece.text}
        </span>
      ))}
      {"\n"}
    </span>
  );
}
