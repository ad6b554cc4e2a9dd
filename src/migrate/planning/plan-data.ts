/** What is kept of the old installation's data, where it goes, and whether it fits. Pure. */
import { hash } from "node:crypto";
import { posix } from "node:path";
import type { FoundFiles, Inventory } from "../inventory.ts";
import type { Carried, MigrationPlan } from "../migration-plan.ts";
import type { Place } from "../reading.ts";
import { Secret } from "../secret.ts";

/** Where things are staged before anything else happens, relative to the stack's folder. */
const stagingFolder = ".nexus/migration/staged";

/** A path of an old host in the staging folder; never outside of it, and no two hosts share a folder, on no file system. */
export function stagedPath(host: string, path: string): string {
  const plain = host.replaceAll(/[^\w.-]+/g, "-").replace(/^\.+/, "") || "host";
  const same = plain === host && plain === plain.toLowerCase();
  const folder = same ? plain : `${plain}-${hash("sha256", host).slice(0, 8)}`;
  return `${stagingFolder}/${folder}${posix.normalize(`/${path}`)}`;
}

/** Settings of the old gateway that nothing acts on yet: names and values, and of secrets the names only. */
export type KeptSettings = Readonly<{ path: string; at: Place; text: string }>;

/** The file of kept settings; undefined when there are none. */
export function keptSettings({ gateway }: Inventory): KeptSettings | undefined {
  const carried = Object.entries(gateway?.carried ?? {});
  if (!gateway || carried.length === 0) return undefined;
  const plain = carried.flatMap(([name, { value }]) =>
    value instanceof Secret ? [] : [[name, value]],
  );
  const secrets = carried.flatMap(([name, { value }]) => (value instanceof Secret ? [name] : []));
  const document = { settings: Object.fromEntries(plain), secrets_left_at_the_source: secrets };
  return {
    path: stagedPath(gateway.host, "/settings.json"),
    at: gateway.at,
    text: `${JSON.stringify(document, undefined, 2)}\n`,
  };
}

/** Why each kind of file is kept and not used. */
const reasons: ReadonlyMap<string, string> = new Map([
  ["images", "the gateway answers with images and keeps none"],
  ["voice-library", "no service of the stack reads it"],
  ["request-log", "the gateway books usage in a file of its own"],
  [
    "tools-registry",
    "the gateway runs no tools; those with paths of the old host cannot run in a container",
  ],
  ["agent-specs", "the gateway runs no agents"],
  ["model-aliases", "the stack file has the aliases"],
  ["backends", "the stack file has the services that they led to"],
  ["agent-runs", "the gateway runs no agents"],
  ["telegram", "the bot goes on with its own settings"],
  ["tool-log", "the gateway runs no tools"],
  ["chats", "the gateway has no pages of its own"],
  ["files", "the gateway has no pages of its own"],
  ["audio", "the gateway has no pages of its own"],
]);

/** Everything that is moved or kept. */
export function planData(inventory: Inventory): readonly Carried[] {
  const settings = keptSettings(inventory);
  return [
    ...inventory.databases.map((database) => databaseData(database, inventory)),
    ...inventory.files.map((files) => ({
      what: files.what,
      ...placeOf(files),
      files: files.files,
      bytes: files.bytes,
      active: false,
      because: reasons.get(files.what) ?? "nothing in the stack uses it",
    })),
    ...(settings
      ? [
          {
            what: "settings",
            host: settings.at.host,
            path: settings.at.file,
            files: 1,
            bytes: Buffer.byteLength(settings.text),
            active: false,
            because: "nothing in the stack acts on them",
          },
        ]
      : []),
    ...tlsData(inventory),
  ];
}

function databaseData(
  { name, host, path, bytes }: Inventory["databases"][number],
  { users }: Inventory,
): Carried {
  const loggingIn = name === "users" && users.length > 0;
  return {
    what: `${name} database`,
    host,
    path,
    files: 1,
    bytes,
    active: loggingIn,
    because: loggingIn
      ? "its users log in with their passwords; their conversations and settings are kept and not shown yet"
      : "the gateway has no memory: its rows are kept with their embeddings",
  };
}

function tlsData({ gateway }: Inventory): readonly Carried[] {
  if (!gateway?.tls) return [];
  const { certificate, key } = gateway.tls;
  return [certificate, key].map(({ value, at }) => ({
    what: "certificate",
    host: at.host,
    path: value,
    files: 1,
    bytes: 0,
    active: true,
    because: "the gateway presents it",
  }));
}

function placeOf({ host, path }: FoundFiles): Pick<Carried, "host" | "path"> {
  return { host, path };
}

/** What staging and the engine's volumes take, and what is free there. */
export function planSpace({
  data,
  models,
  freeForStaging,
  freeForVolumes,
}: Readonly<{
  data: readonly Carried[];
  models: MigrationPlan["models"];
  freeForStaging: number | undefined;
  freeForVolumes: number | undefined;
}>): MigrationPlan["space"] {
  const staging = sum(data.map(({ bytes }) => bytes));
  const copied = models.filter(({ how }) => how === "copy" || how === "pull");
  return {
    staging,
    volumes: staging + sum(copied.map(({ bytes = 0 }) => bytes)),
    ...(freeForStaging !== undefined && { freeForStaging }),
    ...(freeForVolumes !== undefined && { freeForVolumes }),
  };
}

function sum(amounts: readonly number[]): number {
  return amounts.reduce((total, amount) => total + amount, 0);
}
