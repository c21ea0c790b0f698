import { expect, test } from "vitest";
import { steadied } from "../kit/steady";
import { topicsOf, topicsOfAll } from "./topics";

test("topics of what is shown", () => {
  expect(topicsOf("/api/keepwatch/v1/alerts")).toEqual(["alerts"]);
  expect(topicsOf("/api/keepwatch/v1/silences/preview")).toEqual(["silences", "alerts"]);
  expect(topicsOf("/api/keepwatch/v1/alertsx")).toEqual([]);
  expect(topicsOf(7)).toEqual([]);
  expect(topicsOfAll(["/api/keepwatch/v1/route/tree", "/api/keepwatch/v1/alerts", "boot"])).toBe("alerts,config");
});

test("rows keep their places while they are held", () => {
  const row = (key: string, value: number) => ({ key, value });
  const held = [row("b", 1), row("a", 1), row("gone", 1)];
  const now = [row("new", 2), row("a", 2), row("b", 2)];
  const { rows, waiting, gone } = steadied(held, now, (one) => one.key);
  expect(rows).toEqual([row("b", 2), row("a", 2), row("gone", 1)]);
  expect(waiting).toBe(1);
  expect([...gone]).toEqual(["gone"]);
});
