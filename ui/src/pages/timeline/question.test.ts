import { expect, test } from "vitest";
import { questionOf } from "./question";

test("terms become the journal's parameters", () => {
  expect(
    questionOf('alertname="Disk full" job!~"a|b" @receiver:"team a" @kind:delivery,alert @code:alert-fired'),
  ).toEqual({
    params: {
      filter: ['alertname="Disk full"', 'job!~"a|b"'],
      kind: ["delivery", "alert"],
      code: ["alert-fired"],
      receiver: "team a",
    },
    unknown: [],
  });
  expect(questionOf("word @pool:x {a=b}").unknown).toEqual(["word", "@pool:x", "{a=b}"]);
  expect(questionOf("").params).toEqual({ filter: [], kind: [], code: [] });
});
