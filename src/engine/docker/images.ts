/** Images of a Docker engine. */
import type {
  ArchiveEntry,
  BuildProgress,
  Images,
  ObservedImage,
  PullProgress,
} from "../engine.ts";
import type { BuildSource } from "../../stack/stack.ts";
import { ImageInUseError } from "../errors/conflict.ts";
import { EngineError } from "../errors/connection.ts";
import { buildImage, orderFromDisk } from "./build.ts";
import type { DockerClient } from "./client.ts";
import { isRefusal } from "./failure.ts";
import { inspectImage } from "./observe.ts";
import { pullImage } from "./pull.ts";
import type { PullOptions } from "./pull.ts";

type Labels = Readonly<Record<string, string>>;

/** Images through dockerode. */
export class DockerImages implements Images {
  readonly #client: DockerClient;
  readonly #options: PullOptions;

  constructor(client: DockerClient, options: PullOptions) {
    this.#client = client;
    this.#options = options;
  }

  async inspect(ref: string): Promise<ObservedImage | undefined> {
    return inspectImage(this.#client, ref);
  }

  pull(ref: string, signal?: AbortSignal): AsyncIterable<PullProgress> {
    return pullImage(this.#client, ref, this.#options, signal);
  }

  build(
    { ref, source, labels }: Readonly<{ ref: string; source: BuildSource; labels: Labels }>,
    signal?: AbortSignal,
  ): AsyncIterable<BuildProgress> {
    return buildImage(
      this.#client,
      orderFromDisk(ref, source, labels),
      this.#options.sources,
      signal,
    );
  }

  assemble(
    request: Readonly<{ ref: string; entries: readonly ArchiveEntry[]; labels: Labels }>,
    signal?: AbortSignal,
  ): AsyncIterable<BuildProgress> {
    const order = { ...request, dockerfile: "Dockerfile", args: {} };
    return buildImage(this.#client, order, this.#options.sources, signal);
  }

  async remove(ref: string): Promise<void> {
    try {
      await this.#client.write(`remove image ${ref}`, async (docker) =>
        docker.getImage(ref).remove(),
      );
    } catch (error) {
      if (isRefusal(error, 404)) return;
      if (error instanceof EngineError && /in use|is using|being used/i.test(error.said))
        throw new ImageInUseError(ref, error.said, error);
      throw error;
    }
  }

  async list(label: string): ReturnType<Images["list"]> {
    const images = await this.#client.read("list images", async (docker, options) =>
      docker.listImages({ filters: { label: [label] }, ...options }),
    );
    return images.map(({ Id, RepoTags, Labels }) => ({
      id: Id,
      refs: (RepoTags ?? []).filter((ref) => ref !== "<none>:<none>"),
      labels: Labels ?? {},
    }));
  }
}
