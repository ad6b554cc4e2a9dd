/** Tells whether a container is still what is wanted, from the label it was created with. */
import { createHash } from "node:crypto";
import type { ContainerRequest } from "../engine/engine.ts";

/** A container as it is asked for, without what is particular to one generation of it. */
export type Blueprint = Omit<ContainerRequest, "name" | "identity" | "gpuNote">;

/** What a container depends on beyond its request: digests only, never a secret itself. */
export type HashedContents = Readonly<{
  /** By the secret's name in the container. */
  secrets: Readonly<Record<string, string>>;
  /** Content hash of the build context, for an image built here. */
  build?: string;
}>;

/** Whether a label still describes what is wanted; `unknown` for a label of a newer Nexus. */
export type HashVerdict = "same" | "changed" | "unknown";

type HashSchema = (blueprint: Blueprint, contents: HashedContents) => string;

const currentSchema = 1;

/** Kept for ever: a container is judged by the schema that made its label, so an upgrade recreates nothing. */
const schemas: Readonly<Record<number, HashSchema>> = { 1: hashSchema1 };

/** The label for a new container: `<schema version>-<sha256 hex>`. */
export function hashRequest(blueprint: Blueprint, contents: HashedContents): string {
  return `${currentSchema}-${hashSchema1(blueprint, contents)}`;
}

/** Compares a container's label with what is wanted, by the schema version that the label carries. */
export function judgeHash(
  label: string,
  blueprint: Blueprint,
  contents: HashedContents,
): HashVerdict {
  const version = Number(label.split("-", 1)[0]);
  if (!Number.isInteger(version) || version < 1) return "changed";
  const schema = schemas[version];
  if (!schema) return version > currentSchema ? "unknown" : "changed";
  return label === `${version}-${schema(blueprint, contents)}` ? "same" : "changed";
}

/** Limits and the restart policy change in place, and DNS names by reconnecting: they are no part of it. */
function hashSchema1(blueprint: Blueprint, contents: HashedContents): string {
  const { limits: _limits, restart: _restart, network, ...rest } = blueprint;
  const body = {
    ...rest,
    network: network.name,
    capAdd: sorted(rest.capAdd),
    capDrop: sorted(rest.capDrop),
    groupAdd: sorted(rest.groupAdd),
    devices: sorted(rest.devices),
    mounts: sorted(rest.mounts),
    ports: sorted(rest.ports),
    gpus:
      rest.gpus && ("ids" in rest.gpus ? { ...rest.gpus, ids: sorted(rest.gpus.ids) } : rest.gpus),
  };
  return sha256(
    canonicalJson({ body: withoutDefaults(body), contents: withoutDefaults(contents) }),
  );
}

/** A setting at its default counts as absent, so that a later Nexus can add settings without changing hashes. */
function withoutDefaults(settings: object): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(settings).filter(([key, value]) => !isDefault(key, value)),
  );
}

/** An empty entrypoint or command overrides the image's, so it is not the same as none. */
function isDefault(key: string, value: unknown): boolean {
  if (value === undefined || value === false) return true;
  if (key === "entrypoint" || key === "command") return false;
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

function sorted<T>(values: readonly T[]): readonly T[] {
  return values
    .map((value) => ({ value, key: canonicalJson(value) }))
    .toSorted((a, b) => (a.key < b.key ? -1 : Number(a.key > b.key)))
    .map(({ value }) => value);
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    isRecord(inner) ? sortedKeys(inner) : inner,
  );
}

function sortedKeys(record: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const keys = Object.keys(record).toSorted();
  return Object.fromEntries(keys.map((key) => [key, record[key]]));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
