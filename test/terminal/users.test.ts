import { expect, test } from "vitest";
import { plainTheme } from "../../src/terminal/theme.ts";
import { formatUsers } from "../../src/terminal/users.ts";

const look = { theme: plainTheme, nowMs: Date.parse("2026-11-23T12:00:00Z") };
const ada = {
  name: "ada",
  admin: true,
  disabled: false,
  created_at: "2026-11-20T12:00:00Z",
  sessions: 2,
};

test("users are a table of what they may and whether they may", () => {
  const zoe = { ...ada, name: "zoë@example.org", admin: false, disabled: true, sessions: 0 };
  expect(formatUsers([ada, zoe], look)).toMatchInlineSnapshot(`
    "NAME             RIGHTS            LOGIN     SESSIONS  AGE
    ada              inference, admin  allowed          2  3 d
    zoë@example.org  inference         disabled         0  3 d"
  `);
});

test("without users it says how to make one", () => {
  expect(formatUsers([], look)).toContain("nexus users add");
});
