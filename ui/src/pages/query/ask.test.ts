import { expect, test } from "vitest";
import { Failure } from "../../api/client";
import { againAfter } from "./ask";

const about = { url: "/api/v1/query", status: 400 };

test("a costly query is asked less often, and one that was refused not again", () => {
  expect(againAfter(5000, 0, 20, null)).toBe(5000);
  expect(againAfter(5000, 60_000, 20, null)).toBe(60_000);
  expect(againAfter(5000, 0, 7000, null)).toBe(70_000);
  expect(againAfter(5000, 0, 20, new Failure("refused", "no", about))).toBe(false);
  expect(againAfter(5000, 0, undefined, new Failure("unreachable", "away", about))).toBe(5000);
});
