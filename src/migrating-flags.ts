/** The flags of `nexus migrate`; which of them go together is told by migrate/migrate-flags.ts. */
import { Flags } from "@oclif/core";

/** What can be said of a migration. */
export const migratingFlags = {
  from: Flags.option({
    options: ["ai-infra", "compose", "nexus-compose", "harbor"] as const,
    description: "What is there now; without it Nexus looks around and proposes.",
  })(),
  source: Flags.string({
    description:
      "Compose file, or its folder; this folder by default. Given more than once, the last file wins. For ai-infra a copied folder or an archive of it; this machine by default.",
    multiple: true,
  }),
  host: Flags.string({
    description:
      "Host of an ai-infra, as NAME=ssh://USER@HOST, or NAME=local for this machine; can be given more than once, and nothing is written there.",
    multiple: true,
  }),
  here: Flags.string({
    description:
      "Host of an ai-infra whose services become containers of the stack; can be given more than once. This machine by default, else the gateway's host.",
    multiple: true,
  }),
  models: Flags.option({
    options: ["share", "copy", "pull"] as const,
    description:
      "How an ai-infra's models get into the stack: its folder is mounted, they are copied (the default), or fetched again.",
  })(),
  "gateway-port": Flags.integer({
    description:
      "Port of the gateway in place of an ai-infra's; its own, or the next free one, by default.",
    min: 1,
    max: 65_535,
  }),
  name: Flags.string({
    description: "Name of the stack that an ai-infra becomes; the folder's name by default.",
  }),
  output: Flags.string({
    description:
      "Name of the stack file beside the Compose file, or its path for an ai-infra; nexus.yaml by default.",
  }),
  "dry-run": Flags.boolean({ description: "Show it, and write nothing." }),
  yes: Flags.boolean({ char: "y", description: "Do not ask." }),
  "stop-legacy": Flags.boolean({
    description:
      "Stop the services of an ai-infra whose place the stack takes, once everything was checked.",
  }),
  "start-legacy": Flags.boolean({
    description: "Start the old services again that a migration into this folder stopped.",
  }),
  rollback: Flags.boolean({
    description:
      "Take back the migration of an ai-infra or a nexus-compose into this folder: what it made goes, and what it stopped is started.",
  }),
};
