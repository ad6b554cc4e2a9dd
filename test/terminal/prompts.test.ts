import { expect, test } from "vitest";
import { PromptNeedsTerminalError } from "../../src/terminal/errors.ts";
import { confirm } from "../../src/terminal/prompts.ts";
import { showMode } from "../../src/terminal/show-apply.ts";

test("a question without a terminal fails and names the flag that answers it", async () => {
  const failure = await confirm({ message: "Remove the volumes?", flag: "--yes" }).catch(
    (error: unknown) => error,
  );
  expect(failure).toBeInstanceOf(PromptNeedsTerminalError);
  expect(failure).toMatchObject({
    code: "NEXUS_PROMPT_NEEDS_TERMINAL",
    exitCode: 2,
    remedy: expect.stringContaining("--yes"),
  });
});

test("the live view is for terminals with room, outside CI", () => {
  expect(showMode({ isTTY: true, columns: 80 }, {})).toBe("tty");
  expect(showMode({ isTTY: true, columns: 0 }, {})).toBe("plain");
  expect(showMode({ isTTY: true }, { CI: "true" })).toBe("plain");
  expect(showMode({}, {})).toBe("plain");
});
