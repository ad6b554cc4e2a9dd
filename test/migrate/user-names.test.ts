import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalUserName, userName } from "../../src/gateway/user.ts";
import { sortUsers } from "../../src/migrate/user-names.ts";

const sort = (...names: readonly string[]) => sortUsers(names, (name) => name);

test("of users whose names differ by case alone, the first keeps the name and the others are told", () => {
  const { kept, leftOut } = sort("Ada", "brian", "ADA", " ada ");
  expect(kept).toEqual(["Ada", "brian"]);
  expect(leftOut.map(({ user }) => user)).toEqual(["ADA", " ada "]);
  expect(leftOut[0]?.because).toContain("the same name as Ada");
});

test("a name that cannot be one here is left out, and takes no name from another", () => {
  const { kept, leftOut } = sort("a/b", "", "ada\nadmin", "ada");
  expect(kept).toEqual(["ada"]);
  expect(leftOut).toHaveLength(3);
});

test("whoever is kept can be a user of the gateway, and nobody is lost", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "grapheme", maxLength: 3 })), (names) => {
      const { kept, leftOut } = sort(...names);
      const canonical = kept.map(canonicalUserName);
      expect(kept.length + leftOut.length).toBe(names.length);
      expect(new Set(canonical).size).toBe(kept.length);
      for (const name of canonical) expect(name).toMatch(userName);
    }),
  );
});
