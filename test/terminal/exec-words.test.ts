import { expect, test } from "vitest";
import { separateCommand } from "../../src/terminal/exec-words.ts";

const separated = (line: string) =>
  separateCommand(line.split(" "), new Set(["--user", "-u"])).join(" ");

test("flags behind the service belong to the command", () => {
  expect(separated("web id -u")).toBe("web -- id -u");
  expect(separated("-T --user 0 web ls -l --json")).toBe("-T --user 0 web -- ls -l --json");
  expect(separated("--user=0 web sh -c x")).toBe("--user=0 web -- sh -c x");
});

test("what is separated already, and what names no command, is left alone", () => {
  for (const line of ["web -- id -u", "-u 0 web -- sh", "web", "--help", "-u 0", "-- web id"]) {
    expect(separated(line)).toBe(line === "web" ? "web --" : line);
  }
});
