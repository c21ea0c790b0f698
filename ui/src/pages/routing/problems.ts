// What the server says is wrong with a configuration: a line for each problem, `config:12:5: what`, where it has a place.
import type { TextProblem } from "../../kit/ConfigText";

export function problemsOf(message: string): TextProblem[] {
  const problems: TextProblem[] = [];
  for (const line of message.split("\n")) {
    const place = /^config:(\d+):(\d+): ([\s\S]*)$/.exec(line);
    if (place?.[3] !== undefined)
      problems.push({ line: Number(place[1]), column: Number(place[2]), message: place[3] });
    else if (line.trim() !== "") problems.push({ line: null, column: 1, message: line.trim() });
  }
  return problems;
}
