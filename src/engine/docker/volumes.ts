/** Volumes of a Docker engine. */
import type Docker from "dockerode";
import type { ObservedVolume, VolumeRequest, Volumes } from "../engine.ts";
import { VolumeInUseError } from "../errors/conflict.ts";
import { EngineError } from "../errors/connection.ts";
import type { DockerClient } from "./client.ts";
import { isRefusal } from "./failure.ts";
import { stackLabel } from "./labels.ts";
import { listVolumes, readVolume, unlessMissing } from "./observe.ts";

/** Volumes through dockerode. */
export class DockerVolumes implements Volumes {
  readonly #client: DockerClient;

  constructor(client: DockerClient) {
    this.#client = client;
  }

  // Idempotent on the engine, atomically: of two who ask at once one creates it, and both get the same volume.
  async create({
    name,
    stack,
    driver,
    driverOpts,
    labels,
  }: VolumeRequest): Promise<ObservedVolume> {
    const body = {
      Name: name,
      Driver: driver ?? "local",
      DriverOpts: driverOpts,
      Labels: { ...labels, ...(stack === undefined ? {} : { [stackLabel]: stack }) },
    };
    const answer = await this.#client.dial(`create volume ${name}`, {
      path: "/volumes/create?",
      method: "POST",
      options: { _query: {}, _body: body },
      statusCodes: { 200: true, 201: true },
    });
    return readVolume(answer as Docker.VolumeInspectInfo);
  }

  async inspect(name: string): Promise<ObservedVolume | undefined> {
    const volume = await unlessMissing(
      this.#client.read(`inspect volume ${name}`, async (docker) =>
        docker.getVolume(name).inspect(),
      ),
    );
    return volume === undefined ? undefined : readVolume(volume);
  }

  async list(label: string): Promise<readonly ObservedVolume[]> {
    return listVolumes(this.#client, { label: [label] });
  }

  async remove(name: string): Promise<void> {
    try {
      await this.#client.write(`remove volume ${name}`, async (docker) =>
        docker.getVolume(name).remove(),
      );
    } catch (error) {
      if (isRefusal(error, 404)) return;
      if (error instanceof EngineError && /in use|being used/i.test(error.said))
        throw new VolumeInUseError(name, error.said, error);
      throw error;
    }
  }
}
