import { expect, test } from "vitest";
import { editDistance, nearest } from "../../src/stack/nearest.ts";

test.each([
  ["imge", "image", 1],
  ["gatway", "gateway", 1],
  ["enviroment", "environment", 1],
  ["prot", "port", 1],
  ["kitten", "sitting", 3],
  ["", "abc", 3],
])("%s is %s but for %d slips of the hand", (from, to, distance) => {
  expect(editDistance(from, to)).toBe(distance);
});

test("the nearest candidate is meant, and none when all are far", () => {
  expect(nearest("prots", ["port", "ports", "probe"])).toBe("ports");
  expect(nearest("zebra", ["port", "image"])).toBeUndefined();
});
