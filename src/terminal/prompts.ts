/** Questions to the person, on stderr so that stdout stays clean. Every question has a flag that answers it. */
import type * as inquirer from "@inquirer/prompts";
import { PromptCancelledError, PromptNeedsTerminalError } from "./errors.ts";

/** A question, and the flag that answers it without asking, as it is typed: `--yes`. */
export type Question = Readonly<{ message: string; flag: string }>;

/** Says whether somebody can be asked: stdin and stderr are both a terminal, and it is no CI run. */
export function canAsk(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY && !process.env["CI"];
}

/** Asks yes or no; `default` is what Enter means. Throws PromptNeedsTerminalError, PromptCancelledError. */
export async function confirm(
  question: Question & Readonly<{ default?: boolean }>,
): Promise<boolean> {
  const { message, default: byDefault = false } = question;
  return ask(question, async ({ confirm: prompt }) =>
    prompt({ message, default: byDefault }, { output: process.stderr }),
  );
}

/** Asks for one of several values. Throws PromptNeedsTerminalError, PromptCancelledError. */
export async function select<Value>(
  question: Question &
    Readonly<{
      choices: readonly Readonly<{ name: string; value: Value; description?: string }>[];
    }>,
): Promise<Value> {
  const { message, choices } = question;
  return ask(question, async ({ select: prompt }) =>
    prompt({ message, choices: [...choices] }, { output: process.stderr }),
  );
}

/** Asks for a text, which may not be empty. Throws PromptNeedsTerminalError, PromptCancelledError. */
export async function writeIn(question: Question): Promise<string> {
  const { message } = question;
  return ask(question, async ({ input: prompt }) =>
    prompt({ message, required: true }, { output: process.stderr }),
  );
}

/** Asks for a text twice, showing nothing of it, until both times it is the same. Throws PromptNeedsTerminalError, PromptCancelledError. */
export async function writeSecret(question: Question): Promise<string> {
  const { message } = question;
  return ask(question, async ({ password: prompt }) => {
    const secret = await prompt({ message, mask: "*" }, { output: process.stderr });
    const validate = (again: string) => again === secret || "The two are not the same.";
    await prompt({ message: "The same again:", mask: "*", validate }, { output: process.stderr });
    return secret;
  });
}

type Prompts = typeof inquirer;

async function ask<Answer>(
  { message, flag }: Question,
  put: (prompts: Prompts) => Promise<Answer>,
): Promise<Answer> {
  if (!canAsk()) throw new PromptNeedsTerminalError(message, flag);
  const prompts = await import("@inquirer/prompts");
  try {
    return await put(prompts);
  } catch (error) {
    if (error instanceof Error && error.name === "ExitPromptError") {
      throw new PromptCancelledError(message);
    }
    throw error;
  }
}

/** Asks for consent unless it was given in advance. Throws PromptNeedsTerminalError, PromptCancelledError. */
export async function agree(question: Question & Readonly<{ yes: boolean }>): Promise<boolean> {
  return question.yes || confirm(question);
}
