import { beforeEach, expect, test } from "vitest";
import { change } from "../settings";
import { addTemplate, readTemplates, removeTemplate, templates, templatesMax } from "./templates";

beforeEach(() => change({ templates: [] }));

test("kept once, the newest first, and removed", () => {
  addTemplate(" disks are changed ");
  addTemplate("release");
  addTemplate("disks are changed");
  expect(templates()).toEqual(["disks are changed", "release"]);
  const stored = JSON.parse(localStorage.getItem("keepwatch.settings") ?? "{}");
  expect(stored.templates).toEqual(["disks are changed", "release"]);
  removeTemplate("release ");
  expect(templates()).toEqual(["disks are changed"]);
});

test("no more than there may be: the oldest goes", () => {
  for (let index = 0; index <= templatesMax; index += 1) addTemplate(`template ${index}`);
  expect(templates()).toHaveLength(templatesMax);
  expect(templates()[0]).toBe(`template ${templatesMax}`);
  expect(templates()).not.toContain("template 0");
});

test.each([[null], ["text"], [{ a: 1 }], [[1, null, "", "  ", { b: 2 }]]])("somebody else's %j is none", (stored) =>
  expect(readTemplates(stored)).toEqual([]),
);

test("long ones are cut", () => expect(readTemplates(["x".repeat(20_000)])[0]).toHaveLength(10_000));
