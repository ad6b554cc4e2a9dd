/** Tokens that everybody knows are no secrets, wherever they are found. */
import { expect, test } from "vitest";
import { isPlaceholder } from "../../../src/migrate/read/known-token.ts";

test.each([
  "REPLACE_ME",
  "REPLACE_WITH_ADMIN_TOKEN",
  "change-me-in-production",
  "changeme",
  "your-token-here",
  "<token>",
  "secret",
  "none",
  "xxxx",
])("%s is known to everybody", (token) => {
  expect(isPlaceholder(token)).toBe(true);
});

test.each(["secretly-mine-4711", "tokenizer", "nonesuch-1a2b3c", "testing123456"])(
  "%s is somebody's own",
  (token) => {
    expect(isPlaceholder(token)).toBe(false);
  },
);
