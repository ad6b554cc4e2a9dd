/** Tells what could be migrated from this machine. */
import type { Proposal } from "../migrate/source/look-around.ts";
import { printable } from "./width.ts";

/** What `nexus migrate --json` prints when it is not told what is there. */
export type ProposalsDocument = Readonly<{ proposals: readonly Proposal[] }>;

/** The proposals for people, the best first, each with the command that shows what would become of it. */
export function formatProposals(proposals: readonly Proposal[]): string {
  if (proposals.length === 0)
    return "Nothing was found here that could be migrated. Say what there is with --from, and where with --source.";
  const found = proposals.map(({ kind, where, why, command }) =>
    [`${kind}: ${printable(where)} (${printable(why)})`, `  ${printable(command)}`].join("\n"),
  );
  return ["What could be migrated, the best first:", ...found].join("\n\n");
}
