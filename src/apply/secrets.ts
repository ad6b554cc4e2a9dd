/**
 * Secrets reach a container as files of a volume that only it mounts. The volume is filled through a container
 * that is created and never started, so no secret is ever in a command, a variable, a label or an image.
 */
import { readFile } from "node:fs/promises";
import type { ArchiveEntry, ContainerRequest, Engine } from "../engine/engine.ts";
import type { Action } from "../plan/plan.ts";
import type { SecretFile } from "../stack/stack.ts";
import { SecretMissingError } from "./errors.ts";

type SeedAction = Extract<Action, { kind: "seed-secrets" }>;

const mountPoint = "/run/secrets";

/** Writes the secrets' current content into their volume. Throws {@link SecretMissingError}. */
export async function seedSecrets(action: SeedAction, engine: Engine): Promise<void> {
  const entries = await Promise.all(action.secrets.map((secret) => entryOf(secret, action.user)));
  const request = carrier(action);
  await engine.containers.remove(request.name);
  const id = await engine.containers.create(request, "none");
  try {
    await engine.containers.put(id, mountPoint, entries);
  } finally {
    await engine.containers.remove(id);
  }
}

async function entryOf(
  { name, file }: SecretFile,
  user: string | undefined,
): Promise<ArchiveEntry> {
  const content = await readFile(file).catch(() => {
    throw new SecretMissingError(name, file);
  });
  const [uid, gid] = numericUser(user);
  return { path: name, mode: 0o400, uid, gid, content };
}

/** A user given by name has an id only inside its image; the file then belongs to root. */
function numericUser(user: string | undefined): [number, number] {
  const match = /^(\d+)(?::(\d+))?$/.exec(user ?? "");
  return match ? [Number(match[1]), Number(match[2] ?? match[1])] : [0, 0];
}

function carrier({ volume, image, service = "secrets" }: SeedAction): ContainerRequest {
  const stack = volume.slice(0, volume.length - `-${service}-secrets`.length);
  return {
    name: `${volume}-carrier`,
    identity: { stack, service, role: "job", generation: 0, configHash: "0-carrier", version: "0" },
    image,
    environment: {},
    readOnly: false,
    init: false,
    capAdd: [],
    capDrop: ["ALL"],
    noNewPrivileges: true,
    mounts: [
      { kind: "volume", source: volume, target: mountPoint, readOnly: false, external: false },
    ],
    network: { name: "none", aliases: [] },
    ports: [],
    devices: [],
    groupAdd: [],
    extraHosts: [],
    limits: { pids: 16 },
    restart: { name: "no" },
    labels: {},
    stopGraceMs: 0,
  };
}
