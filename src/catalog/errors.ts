/** How looking something up in the catalog can fail. */
import { NexusError, exitCodes } from "../errors.ts";

/** Nothing in the catalog has that name or does that work. */
export class UnknownTemplateError extends NexusError {
  readonly code = "NEXUS_UNKNOWN_TEMPLATE";
  readonly exitCode = exitCodes.usage;
  readonly remedy: string;
  override readonly details: Readonly<{ word: string; near: readonly string[] }>;

  constructor(word: string, near: readonly string[]) {
    super(`There is no template \`${word}\`.`);
    const meant =
      near.length > 0 ? `Did you mean ${near.map((id) => `\`${id}\``).join(" or ")}? ` : "";
    this.remedy = `${meant}See them all with \`nexus catalog\`.`;
    this.details = { word, near };
  }
}

/** A template's `service.yaml` breaks its schema. */
export class InvalidTemplateError extends NexusError {
  readonly code = "NEXUS_INVALID_TEMPLATE";
  readonly exitCode = exitCodes.usage;
  readonly remedy =
    "Correct the template, then list it with `nexus catalog`; docs/STACK_FILE.md explains the keys.";
  override readonly details: Readonly<{ file: string }>;

  constructor(file: string, problem: string) {
    super(`${file} is not a valid template.\n${problem}`);
    this.details = { file };
  }
}

/** A scaffold would have been written over files that are there. */
export class ScaffoldExistsError extends NexusError {
  readonly code = "NEXUS_SCAFFOLD_EXISTS";
  readonly exitCode = exitCodes.conflict;
  readonly remedy: string;

  constructor(directory: string) {
    super(`${directory} is there already and is not empty: nothing was written.`);
    this.remedy =
      "Choose another name for `nexus add service <name> --scaffold`, or move that folder away.";
  }
}

/** A template that only names an image has no sources to copy. */
export class NoScaffoldError extends NexusError {
  readonly code = "NEXUS_NO_SCAFFOLD";
  readonly exitCode = exitCodes.usage;
  readonly remedy: string;

  constructor(template: string) {
    super(`The template \`${template}\` names an image: there are no sources to copy.`);
    this.remedy = `Use it as it is with \`nexus add service ${template}\`, or copy another one with \`--scaffold\`, such as \`example\`.`;
  }
}

/** No ready-made stack has that name. */
export class UnknownStackError extends NexusError {
  readonly code = "NEXUS_UNKNOWN_STACK";
  readonly exitCode = exitCodes.usage;
  readonly remedy: string;
  override readonly details: Readonly<{ id: string; known: readonly string[] }>;

  constructor(id: string, known: readonly string[]) {
    super(`There is no ready-made stack \`${id}\`.`);
    this.remedy = `Choose one of ${known.join(", ")}, as in \`nexus init --stack ${known[0] ?? "default"}\`.`;
    this.details = { id, known };
  }
}
