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

/** Somebody does that work, but nobody on this hardware. */
export class NothingFitsError extends NexusError {
  readonly code = "NEXUS_NOTHING_FITS";
  readonly exitCode = exitCodes.resources;
  readonly remedy: string;
  override readonly details: Readonly<{ word: string; refused: readonly Refused[] }>;

  constructor(word: string, refused: readonly Refused[], instead: readonly string[]) {
    const reasons = refused.map(({ template, because }) => `${template}: ${because}`);
    super(
      `Nothing for \`${word}\` fits this engine, so nothing was written.\n${reasons.join("\n")}`,
    );
    const other = instead.map((id) => `\`nexus add service ${id}\``).join(" or ");
    this.remedy = `${other === "" ? "" : `Take another one with ${other}. `}\`nexus gpu ls\` shows what the engine offers, \`nexus catalog\` what fits it.`;
    this.details = { word, refused };
  }
}

/** A template, and why it cannot be taken. */
export type Refused = Readonly<{ template: string; because: string }>;

/** The catalog knows the software, but there is no image that it could name. */
export class TemplateMissingError extends NexusError {
  readonly code = "NEXUS_TEMPLATE_MISSING";
  readonly exitCode = exitCodes.usage;
  readonly remedy: string;

  constructor(template: string, missing: string) {
    super(`\`${template}\` is in the catalog but cannot be added: ${missing}`);
    this.remedy = `Start a service of your own with \`nexus add service ${template} --scaffold\`, or see what else there is with \`nexus catalog\`.`;
  }
}

/** `--as` names a template that does something else. */
export class NotForJobError extends NexusError {
  readonly code = "NEXUS_NOT_FOR_JOB";
  readonly exitCode = exitCodes.usage;
  readonly remedy: string;
  override readonly details: Readonly<{ word: string; candidates: readonly string[] }>;

  constructor(template: string, word: string, candidates: readonly string[]) {
    super(`\`${template}\` is no template for \`${word}\`.`);
    this.remedy = `Choose ${candidates.join(" or ")}, as in \`nexus add service ${word} --as ${candidates[0] ?? ""}\`.`;
    this.details = { word, candidates };
  }
}

/** A template needs to be told something that only its user knows. */
export class KeyNeededError extends NexusError {
  readonly code = "NEXUS_KEY_NEEDED";
  readonly exitCode = exitCodes.usage;
  readonly remedy: string;
  override readonly details: Readonly<{ key: string; example: string }>;

  constructor(
    template: string,
    { key, question, example }: Readonly<{ key: string; question: string; example: string }>,
  ) {
    super(`\`${template}\` needs \`${key}\`: ${question}`);
    this.remedy = `Say it: \`nexus add service ${template} --set ${key}=${example}\`.`;
    this.details = { key, example };
  }
}

/** A template's `service.yaml` breaks its schema. */
export class InvalidTemplateError extends NexusError {
  readonly code = "NEXUS_INVALID_TEMPLATE";
  readonly exitCode = exitCodes.usage;
  readonly remedy =
    "Correct the template, then list it with `nexus catalog`; docs/TEMPLATES.md explains the keys.";
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
