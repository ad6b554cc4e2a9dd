/** Tells what becomes of a Compose project. */
import type { Migration } from "../migrate/compose/migration.ts";
import type { Note, NoteKind } from "../migrate/compose/note.ts";

const headings: Readonly<Record<NoteKind, string>> = {
  decide: "To be decided",
  changed: "Done in another way",
  "left-out": "Left out",
};

/** What `nexus migrate --json` prints. */
export type MigrationDocument = Readonly<{
  from: Migration["from"];
  sources: readonly string[];
  name: string;
  file: string;
  written: boolean;
  stack: string;
  services: readonly Readonly<{ from: string; name: string; template?: string }>[];
  /** Files that hold what looked like secrets; the names of the variables, never their values. */
  secretFiles: readonly Readonly<{ path: string; names: readonly string[] }>[];
  volumes: readonly Readonly<{ key: string; name: string }>[];
  notes: readonly Note[];
  /** Commands to run after the first `nexus up`. */
  afterUp: readonly string[];
  /** Absent when no engine could be asked. */
  inventory?: NonNullable<Migration["inventory"]>;
}>;

/** A migration for programs. */
export function migrationDocument(
  { from, sources, file, text, conversion, inventory }: Migration,
  written: boolean,
): MigrationDocument {
  const { name, services, secretFiles, volumes, notes, afterUp = [] } = conversion;
  return {
    from,
    sources,
    name,
    file,
    written,
    stack: text,
    services: services.map(({ from: old, name: called, template }) => ({
      from: old,
      name: called,
      ...(template !== undefined && { template }),
    })),
    secretFiles: secretFiles.map(({ path, names }) => ({ path, names })),
    volumes,
    notes,
    afterUp,
    ...(inventory && { inventory }),
  };
}

/** A migration for people: the stack file, what is to be known of it, and what is there already. */
export function formatMigration(migration: Migration): string {
  const { from, sources, text, conversion, inventory } = migration;
  const { name, notes, afterUp = [] } = conversion;
  const parts = [
    `${from === "harbor" ? "Harbor's services" : `Compose project ${name}`}, out of ${sources.join(", ")}`,
    text.trimEnd(),
    ...(["decide", "changed", "left-out"] as const).map((kind) => formatNotes(kind, notes)),
    afterUp.length > 0 ? ["After the first `nexus up`:", ...afterUp.map(indented)].join("\n") : "",
    inventory
      ? formatInventory(inventory, migration)
      : "No engine could be asked what is there already.",
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

const indented = (line: string): string => `  ${line}`;

function formatNotes(kind: NoteKind, notes: readonly Note[]): string {
  const lines = notes
    .filter((note) => note.kind === kind)
    .map(({ file, line, path, message }) => `  ${file}:${line}  ${path}: ${message}`);
  return lines.length === 0 ? "" : [`${headings[kind]}:`, ...lines].join("\n");
}

function formatInventory(
  { containers, volumes, ports }: NonNullable<Migration["inventory"]>,
  { ancestor }: Migration,
): string {
  const running = containers.filter((container) => container.running);
  const lines = [
    ...volumes.map((volume) => `The volume ${volume} is taken over with its data.`),
    ...ports.map(({ port, service, heldBy }) => `Port ${port} of ${service} is held by ${heldBy}.`),
    ...(running.length > 0 && !ancestor
      ? [
          `${running.map((container) => container.name).join(", ")} still run. Stop them before \`nexus up\`: \`docker compose down\`, without -v, keeps the volumes.`,
        ]
      : []),
  ];
  return lines.join("\n");
}
