/** A container that is created and never started: the way into a volume on every engine, local or remote. */
import type { ArchiveEntry, ContainerRequest, Engine } from "../../../engine/engine.ts";

/** Which volume, and through which image's folder: a volume that is new gets that folder's owner. */
export type CarrierPlace = Readonly<{
  stack: string;
  volume: string;
  image: string;
  /** Where the image has the folder. */
  target: string;
}>;

/** Puts files into a volume; called more than once by {@link withCarrier}'s user. */
export type Carrier = Readonly<{
  put: (entries: readonly ArchiveEntry[]) => Promise<void>;
  /** User of the image: empty for root. */
  user: string;
}>;

/** Makes the volume as `nexus up` would and opens a way into it, which is closed afterwards. */
export async function withCarrier(
  engine: Engine,
  place: CarrierPlace,
  use: (carrier: Carrier) => Promise<void>,
): Promise<void> {
  const { stack, volume, target } = place;
  await engine.volumes.create({ name: volume, stack, driverOpts: {}, labels: {} });
  const request = carrierRequest(place);
  await engine.containers.remove(request.name);
  const id = await engine.containers.create(request, "none");
  try {
    const user = (await engine.containers.inspect(id))?.security.user ?? "";
    await use({ user, put: (entries) => engine.containers.put(id, target, entries) });
  } finally {
    await engine.containers.remove(id);
  }
}

function carrierRequest({ stack, volume, image, target }: CarrierPlace): ContainerRequest {
  return {
    name: `${volume}-carrier`,
    identity: {
      stack,
      service: "migration",
      role: "job",
      generation: 0,
      configHash: "0-carrier",
      version: "0",
    },
    image,
    environment: {},
    readOnly: false,
    init: false,
    capAdd: [],
    capDrop: ["ALL"],
    noNewPrivileges: true,
    mounts: [{ kind: "volume", source: volume, target, readOnly: false, external: false }],
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
