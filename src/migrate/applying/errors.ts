/** The failures of carrying a migration out, or taking it back. */
import { exitCodes, NexusError } from "../../errors.ts";

const again =
  "Run the same `nexus migrate` again to go on, or `nexus migrate --rollback` to take it back.";

/** The record of a migration is damaged. */
export class JournalUnreadableError extends NexusError {
  readonly code = "NEXUS_MIGRATION_JOURNAL";
  readonly exitCode = exitCodes.conflict;
  readonly remedy =
    "Restore the file from a backup. Without it nobody knows what the migration made: `nexus down --volumes` removes the stack, and what else it wrote lies beside the stack file.";
  override readonly details: Readonly<{ file: string; line: number }>;

  constructor(file: string, line: number) {
    super(`Line ${line} of ${file}, the record of a migration, cannot be read.`);
    this.details = { file, line };
  }
}

/** Another process migrates into the same folder. */
export class MigrationRunningError extends NexusError {
  readonly code = "NEXUS_MIGRATION_RUNNING";
  readonly exitCode = exitCodes.locked;
  readonly remedy = "Wait until it has ended, then run this again.";
  override readonly details: Readonly<{ folder: string }>;

  constructor(folder: string) {
    super(`Another process works on the migration in ${folder}.`);
    this.details = { folder };
  }
}

/** A migration with other flags or from another source has begun in this folder. */
export class OtherMigrationError extends NexusError {
  readonly code = "NEXUS_OTHER_MIGRATION";
  readonly exitCode = exitCodes.conflict;
  readonly remedy =
    "Run it with the flags of the first time to go on, or take that one back with `nexus migrate --rollback` first.";
  override readonly details: Readonly<{ differs: readonly string[] }>;

  constructor(directory: string, differs: readonly string[]) {
    super(
      `A migration into ${directory} has begun and was asked for differently: ${differs.join(", ")}.`,
    );
    this.details = { differs };
  }
}

/** A migration is being taken back. */
export class RollingBackError extends NexusError {
  readonly code = "NEXUS_MIGRATION_ROLLING_BACK";
  readonly exitCode = exitCodes.conflict;
  readonly remedy = "Finish that first with `nexus migrate --rollback`, then migrate anew.";

  constructor(directory: string) {
    super(`The migration into ${directory} is half taken back.`);
  }
}

/** There is no migration to take back, or whose services could be started. */
export class NoMigrationError extends NexusError {
  readonly code = "NEXUS_NO_MIGRATION";
  readonly exitCode = exitCodes.usage;
  readonly remedy = "Run this in the folder of the stack that was migrated to.";
  override readonly details: Readonly<{ directory: string }>;

  constructor(directory: string) {
    super(`No migration into ${directory} was begun.`);
    this.details = { directory };
  }
}

/** Something is where the migration wants to put something of its own. */
export class InTheWayError extends NexusError {
  readonly code = "NEXUS_IN_THE_WAY";
  readonly exitCode = exitCodes.conflict;
  readonly remedy = "Move it away, or migrate into another folder or under another `--name`.";
  override readonly details: Readonly<{ what: string }>;

  constructor(what: string) {
    super(`${what} is there already, and was left as it is.`);
    this.details = { what };
  }
}

/** What a step needs of an old host cannot be had. */
export class SourceGoneError extends NexusError {
  readonly code = "NEXUS_SOURCE_GONE";
  readonly exitCode = exitCodes.conflict;
  readonly remedy =
    "Give the same `--source` or `--host` as the first time, and make it reachable; what was fetched before is kept.";
  override readonly details: Readonly<{ host: string; what: string }>;

  constructor(host: string, what: string) {
    super(`${what} of ${host} is not to be had any more.`);
    this.details = { host, what };
  }
}

/** A plan that says itself that it cannot be carried out. */
export class MigrationObstacleError extends NexusError {
  readonly code = "NEXUS_MIGRATION_OBSTACLE";
  readonly exitCode = exitCodes.conflict;
  readonly remedy = "See all of it with `nexus migrate --dry-run`.";
  override readonly details: Readonly<{ obstacles: readonly string[] }>;

  constructor(obstacles: readonly string[]) {
    super(obstacles.join(" "));
    this.details = { obstacles };
  }
}

/** A fetched file is not what its name says. */
export class CorruptBlobError extends NexusError {
  readonly code = "NEXUS_CORRUPT_BLOB";
  readonly exitCode = exitCodes.conflict;
  readonly remedy = "Pull the model anew on the old host, or migrate with `--models pull`.";
  override readonly details: Readonly<{ path: string; digest: string }>;

  constructor(path: string, digest: string) {
    super(`${path} does not have the content that its name stands for (it has ${digest}).`);
    this.details = { path, digest };
  }
}

/** The gateway has a key of that name with another digest, or that digest under another name. */
export class KeyConflictError extends NexusError {
  readonly code = "NEXUS_MIGRATED_KEY_CONFLICT";
  readonly exitCode = exitCodes.conflict;
  readonly remedy: string;
  override readonly details: Readonly<{ name: string; there: string }>;

  constructor(name: string, there: string) {
    super(
      there === name
        ? `The gateway has another key named ${name}: the old token of that name was not carried over.`
        : `The gateway has the old token ${name} already, as the key ${there}.`,
    );
    this.remedy = `Remove that key with \`nexus keys rm ${there}\`, then run the same \`nexus migrate\` again.`;
    this.details = { name, there };
  }
}

/** The stack that was migrated to did not come up whole. */
export class MigratedStackNotUpError extends NexusError {
  readonly code = "NEXUS_MIGRATED_STACK_NOT_UP";
  readonly exitCode = exitCodes.notReady;
  readonly remedy = `Look at \`nexus status\`. ${again}`;
  override readonly details: Readonly<{ services: readonly string[] }>;

  constructor(services: readonly string[]) {
    super(`The stack did not come up: ${services.join(", ")}.`);
    this.details = { services };
  }
}

/** The stack that a migration made could not be removed whole. */
export class MigratedStackNotDownError extends NexusError {
  readonly code = "NEXUS_MIGRATED_STACK_NOT_DOWN";
  readonly exitCode = exitCodes.notReady;
  readonly remedy = "Look at `nexus status`, then run `nexus migrate --rollback` again.";

  constructor(stack: string) {
    super(`Not everything of the stack ${stack} could be removed.`);
  }
}
