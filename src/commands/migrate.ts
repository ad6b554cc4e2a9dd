import { basename } from "node:path";
import { Flags } from "@oclif/core";
import type { Observed } from "../engine/engine.ts";
import { NexusError } from "../errors.ts";
import {
  prepareMigration,
  refuseOverwriting,
  writeMigration,
} from "../migrate/compose/migration.ts";
import { NexusCommand, type SharedFlags } from "../nexus-command.ts";
import {
  formatMigration,
  migrationDocument,
  type MigrationDocument,
} from "../terminal/migration.ts";
import { agree } from "../terminal/prompts.ts";

export default class Migrate extends NexusCommand {
  static override summary = "Make a stack out of a Compose project.";
  static override description =
    "Reads the Compose files of a folder (`nexus-compose`: those of the software that Nexus follows, with its gateway's address, tokens and aliases; `harbor`: Harbor's settings), shows the stack that they become, and what is done in another way, left out or to be decided, each with its place; then writes nexus.yaml beside them. Nothing is stopped or removed: volumes of the project are taken over by the first `nexus up`.";
  static override examples = [
    "<%= config.bin %> migrate --from compose --dry-run",
    "<%= config.bin %> migrate --from compose --source ~/ai/docker-compose.yml --yes",
    "<%= config.bin %> migrate --from nexus-compose --source ~/nexus --dry-run",
    "<%= config.bin %> migrate --from harbor --dry-run",
  ];
  static override flags = {
    from: Flags.option({
      required: true,
      options: ["compose", "nexus-compose", "harbor"] as const,
      description: "What is there now.",
    })(),
    source: Flags.string({
      description:
        "Compose file, or its folder; this folder by default. Given more than once, the last file wins.",
      multiple: true,
      default: ["."],
    }),
    output: Flags.string({
      description: "Name of the stack file beside the Compose file; nexus.yaml by default.",
    }),
    "dry-run": Flags.boolean({ description: "Show it, and write nothing." }),
    yes: Flags.boolean({ char: "y", description: "Do not ask." }),
  };

  async run(): Promise<MigrationDocument> {
    const { flags } = await this.parse(Migrate);
    const migration = await prepareMigration(flags, process.env, (name) =>
      this.#observe(flags, name),
    );
    this.log(formatMigration(migration));
    if (flags["dry-run"]) return migrationDocument(migration, false);
    await refuseOverwriting(migration);
    const name = basename(migration.file);
    const message = `Write ${name}?`;
    if (!(await agree({ message, flag: "--yes", yes: flags.yes })))
      return migrationDocument(migration, false);
    await writeMigration(migration);
    this.note(`Wrote ${migration.file}. Next: look at it, then run \`nexus plan\`.`);
    return migrationDocument(migration, true);
  }

  /** What the engine has; undefined where none can be asked, for a project can be read without. */
  async #observe(flags: SharedFlags, name: string): Promise<Observed | undefined> {
    try {
      const engine = await this.connect(flags);
      return await engine.observe(name, []);
    } catch (error) {
      if (error instanceof NexusError) return undefined;
      throw error;
    }
  }
}
