/** Writes the stack file of a migration. Pure. */
import { Document } from "yaml";
import type { Conversion } from "./convert.ts";

/** The stack file's text, with the places that somebody has to look at in a comment at its head. */
export function stackText(
  { stack, notes }: Conversion,
  files: readonly string[],
  from: string,
): string {
  const document = new Document(stack, { aliasDuplicateObjects: false });
  const open = notes.filter(({ kind }) => kind === "decide").length;
  const reminder =
    open > 0 ? `\n \`nexus migrate --from ${from} --dry-run\` tells what is to be decided.` : "";
  document.commentBefore = ` Made by \`nexus migrate\` out of ${files.join(", ")}.${reminder}`;
  return document.toString({ lineWidth: 0 });
}
