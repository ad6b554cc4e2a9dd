/** Asks which template to take, and what it needs to be told. */
import type { Candidate } from "../catalog/choose-template.ts";
import { KeyNeededError } from "../catalog/errors.ts";
import type { Question } from "../stack/added-service.ts";
import { canAsk, select, writeIn } from "./prompts.ts";

/** The candidate that the person takes; the first is suggested. Throws PromptNeedsTerminalError, PromptCancelledError. */
export async function chooseCandidate(
  word: string,
  candidates: readonly [Candidate, ...Candidate[]],
): Promise<Candidate> {
  const id = await select({
    message: `Which template for ${word}?`,
    flag: `--as ${candidates.map(({ template }) => template.id).join("|")}`,
    choices: candidates.map(({ template, because = template.description }) => ({
      name: `${template.id}: ${because}`,
      value: template.id,
    })),
  });
  return candidates.find(({ template }) => template.id === id) ?? candidates[0];
}

/** `key=value` for every question, asked one by one. Throws KeyNeededError where nobody can be asked. */
export async function askKeys(
  template: string,
  questions: readonly Question[],
): Promise<readonly string[]> {
  const words: string[] = [];
  for (const question of questions) {
    if (!canAsk()) throw new KeyNeededError(template, question);
    const { key, question: message, example } = question;
    const value = await writeIn({
      message: `${message} (such as ${example})`,
      flag: `--set ${key}=`,
    });
    words.push(`${key}=${value}`);
  }
  return words;
}
