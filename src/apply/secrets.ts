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
  const contents = await Promise.all(action.secrets.map(readSecret));
  const request = carrier(action);
  await engine.containers.remove(request.name);
  const id = await engine.containers.create(request, "none");
  try {
    const imageUser = (await engine.containers.inspect(id))?.security.user;
    const owner = ownerFor(action.user ?? imageUser ?? "");
    const entries = contents.map(({ name, content }) => ({ path: name, content, ...owner }));
    await engine.containers.put(id, mountPoint, entries);
  } finally {
    await engine.containers.remove(id);
  }
}

async function readSecret({
  name,
  file,
}: SecretFile): Promise<Readonly<{ name: string; content: Buffer }>> {
  const content = await readFile(file).catch(() => {
    throw new SecretMissingError(name, file);
  });
  return { name, content };
}

/**
 * Owner and mode of the files. A user given by name has an id only inside the image: then everybody in the one
 * container that mounts the volume may read them, as Swarm has it.
 */
function ownerFor(user: string): Pick<ArchiveEntry, "uid" | "gid" | "mode"> {
  const [, uid, gid] = /^(\d+)(?::(\d+))?$/.exec(user === "" ? "0" : user) ?? [];
  if (uid === undefined) return { uid: 0, gid: 0, mode: 0o444 };
  return { uid: Number(uid), gid: Number(gid ?? uid), mode: 0o400 };
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
