/** Tells what could be migrated from this machine. */
import type { Proposal } from "../migrate/source/look-around.ts";
import { select } from "./prompts.ts";
import { printable } from "./width.ts";

/** What `nexus migrate --json` prints when it is not told what is there. */
export type ProposalsDocument = Readonly<{
  proposals: readonly Proposal[];
  /** Where it was looked. */
  looked: readonly string[];
}>;

/** The proposals for people, the best first, each with the command that shows what would become of it. */
export function formatProposals({ proposals, looked }: ProposalsDocument): string {
  if (proposals.length === 0)
    return [
      "Nothing was found here that could be migrated. It was looked for in:",
      ...looked.map((place) => `  ${printable(place)}`),
      "Say what there is with --from, and where with --source or --host.",
    ].join("\n");
  const found = proposals.map(({ kind, where, why, command }) =>
    [`${kind}: ${printable(where)} (${printable(why)})`, `  ${printable(command)}`].join("\n"),
  );
  return ["What could be migrated, the best first:", ...found].join("\n\n");
}

/** Asks which one to look at closer; undefined for none. Throws PromptCancelledError. */
export async function chooseProposal(
  proposals: readonly Proposal[],
): Promise<readonly string[] | undefined> {
  const choices = proposals.flatMap(({ kind, where, words }) =>
    words ? [{ name: `${kind}: ${printable(where)}`, value: words }] : [],
  );
  if (choices.length === 0) return undefined;
  const none = { name: "Nothing now", value: undefined };
  return select<readonly string[] | undefined>({
    message: "Show what would become of one of them? Nothing is written.",
    flag: "--from",
    choices: [...choices, none],
  });
}
