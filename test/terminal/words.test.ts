import { expect, test } from "vitest";
import { completedCommands } from "../../src/terminal/completed-commands.ts";
import { completionScript } from "../../src/terminal/completion.ts";
import { paintDiff } from "../../src/terminal/diff.ts";
import { nearestCommand, nearestFlag } from "../../src/terminal/near-words.ts";
import { plainTheme } from "../../src/terminal/theme.ts";
import { paintYaml } from "../../src/terminal/yaml.ts";

const commands = ["status", "up", "keys add", "keys ls", "models pull"];

test("a slip of the hand, a missing second word and another tool's word all lead to a command", () => {
  expect(nearestCommand(["statsu"], commands)).toBe("status");
  expect(nearestCommand(["keys", "ad", "ci"], commands)).toBe("keys add");
  expect(nearestCommand(["models"], commands)).toBe("models pull");
  expect(nearestCommand(["ps"], commands)).toBe("status");
  expect(nearestCommand(["xyzzy"], commands)).toBeUndefined();
});

test("a flag is found by its name without dashes or value", () => {
  expect(nearestFlag("--wach=1", ["watch", "json"])).toBe("--watch");
  expect(nearestFlag("--zzz", ["watch"])).toBeUndefined();
});

const listed = [
  {
    id: "keys:add",
    summary: "Make a key, it's `new`.",
    args: { name: {} },
    flags: {
      scope: {
        name: "scope",
        type: "option",
        description: "What it may do.",
        options: ["inference", "admin"],
      },
      save: { name: "save", type: "boolean", allowNo: true },
      secret: { name: "secret", type: "boolean", hidden: true },
    },
  },
  { id: "logs", args: { service: {} }, flags: { file: { name: "file", type: "option" } } },
  { id: "internal", hidden: true, args: {}, flags: {} },
] as const;

test("completion knows shown commands, their flags and values, and where names are looked up", () => {
  expect(completedCommands(listed)).toEqual([
    {
      words: "keys add",
      description: "Make a key, it's new",
      flags: [
        { name: "scope", description: "What it may do", values: ["inference", "admin"] },
        { name: "save", description: "" },
        { name: "no-save", description: "" },
      ],
    },
    {
      words: "logs",
      description: "",
      flags: [{ name: "file", description: "", values: "files" }],
      argument: "services",
    },
  ]);
});

test.each([
  [
    "bash",
    [
      "complete -F _nexus nexus",
      '--scope) COMPREPLY=($(compgen -W "inference admin"',
      "completion --values services",
    ],
  ],
  ["zsh", ["#compdef nexus", "'keys:'", "it'\\''s new"]],
  [
    "fish",
    ["complete -c nexus -n __nexus_nowhere -a keys", "-x -a 'inference admin'", "it\\'s new"],
  ],
] as const)("the %s script has them all", (shell, parts) => {
  const script = completionScript(shell, completedCommands(listed));
  for (const part of parts) expect(script).toContain(part);
  expect(script).not.toContain("internal");
});

const theme = {
  ...plainTheme,
  good: (text: string) => `<+${text}>`,
  bad: (text: string) => `<-${text}>`,
  dim: (text: string) => `<${text}>`,
  accent: (text: string) => `[${text}]`,
};

test("a diff shows what comes and goes in its colours", () => {
  expect(paintDiff("--- a\n+++ a\n@@ -1 @@\n same\n-old\n+new", theme)).toBe(
    "<--- a>\n<+++ a>\n<@@ -1 @@>\n same\n<--old>\n<++new>",
  );
});

test("in YAML keys stand out and comments stand back", () => {
  expect(paintYaml("name: home  # nexus.yaml:1\n- path: /x#y", theme)).toBe(
    "[name]: home < # nexus.yaml:1>\n- [path]: /x#y",
  );
});
