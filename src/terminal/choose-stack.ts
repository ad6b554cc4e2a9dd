/** Asks which ready-made stack to start from. */
import { select } from "./prompts.ts";

/** The id of the chosen stack. Throws PromptNeedsTerminalError, which names `--stack`. */
export async function chooseStack(
  stacks: readonly Readonly<{ id: string; description: string }>[],
): Promise<string> {
  return select({
    message: "Which stack do you want to start from?",
    flag: `--stack ${stacks.map(({ id }) => id).join("|")}`,
    choices: stacks.map(({ id, description }) => ({ name: id, value: id, description })),
  });
}
