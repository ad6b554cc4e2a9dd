/** Containers of a Docker engine. */
import { z } from "zod";
import type {
  ArchiveEntry,
  ContainerRequest,
  Containers,
  ContainerStats,
  ExecOptions,
  Execution,
  LogLine,
  LogOptions,
  ObservedContainer,
  TakenFile,
  TakenLink,
} from "../engine.ts";
import type { Limits, RestartPolicy } from "../../stack/stack.ts";
import { NameTakenError, PortTakenError } from "../errors/conflict.ts";
import { ContainerMissingError } from "../errors/container.ts";
import { UnsupportedLimitError } from "../errors/resources.ts";
import type { DockerClient } from "./client.ts";
import { writeDeadlineMs } from "./client.ts";
import { containerBody, limitsBody, restartBody } from "./container-body.ts";
import { readRefusal, takenPort } from "./container-failures.ts";
import type { Refused } from "./container-failures.ts";
import { execute } from "./exec.ts";
import { isRefusal } from "./failure.ts";
import { ownerOf } from "./labels.ts";
import { readLogs } from "./logs.ts";
import { inspectContainer, unlessMissing } from "./observe.ts";
import { findPortHolder } from "./port-holder.ts";
import { readStats } from "./stats.ts";
import { putArchive, takeArchive } from "./tar.ts";

/** The answer to a create (Engine API 1.41). */
const created = z.object({ Id: z.string(), Warnings: z.array(z.string()).nullish() });

const alreadyGoing = /removal of container .* is already in progress/i;

/** Containers through dockerode. */
export class DockerContainers implements Containers {
  readonly #client: DockerClient;
  readonly #isLocal: () => Promise<boolean>;

  constructor(client: DockerClient, isLocal: () => Promise<boolean>) {
    this.#client = client;
    this.#isLocal = isLocal;
  }

  async create(request: ContainerRequest, networkId: string): Promise<string> {
    const { name } = request;
    const answer = created.parse(await this.#post(request, networkId));
    const discarded = (answer.Warnings ?? []).filter((warning) =>
      /discard|does not support|not supported/i.test(warning),
    );
    if (discarded.length === 0) return answer.Id;
    await this.remove(answer.Id);
    throw new UnsupportedLimitError(name, discarded);
  }

  // dockerode's own method writes the whole body, secrets included, into the URL and drops the warnings.
  async #post(request: ContainerRequest, networkId: string): Promise<unknown> {
    const { name } = request;
    try {
      return await this.#client.dial(`create container ${name}`, {
        path: "/containers/create?",
        method: "POST",
        options: { _query: { name }, _body: containerBody(request, networkId) },
        statusCodes: { 200: true, 201: true },
      });
    } catch (error) {
      if (isNameConflict(error)) throw await this.#nameTaken(name, error);
      throw readRefusal(error, request);
    }
  }

  async #nameTaken(name: string, error: unknown): Promise<unknown> {
    const info = await unlessMissing(
      this.#client.read(`inspect container ${name}`, async (docker, options) =>
        docker.getContainer(name).inspect(options),
      ),
    );
    if (info === undefined) return error;
    const owner = ownerOf(info.Config.Labels ?? {});
    return new NameTakenError("container", name, {
      id: info.Id,
      image: info.Config.Image,
      createdAt: info.Created,
      ...(owner === undefined ? {} : { owner }),
    });
  }

  async start(id: string): Promise<void> {
    try {
      await this.#client.write(`start container ${id}`, async (docker) =>
        docker.getContainer(id).start(),
      );
    } catch (error) {
      if (isRefusal(error, 304)) return;
      throw await this.#startFailure(id, error);
    }
  }

  async #startFailure(id: string, error: unknown): Promise<unknown> {
    const taken = takenPort(error);
    if (taken === undefined) return readRefusal(error, await this.#refused(id));
    const holder = await findPortHolder(this.#client, taken.port, { local: await this.#isLocal() });
    return new PortTakenError(taken.address, taken.port, holder);
  }

  async #refused(id: string): Promise<Refused> {
    const info = await this.inspect(id).catch(() => undefined);
    return { name: info?.name ?? id, image: info?.image ?? "" };
  }

  async stop(id: string, graceMs: number): Promise<void> {
    const seconds = Math.ceil(graceMs / 1000);
    await this.#quietly(
      this.#client.write(
        `stop container ${id}`,
        async (docker) => docker.getContainer(id).stop({ t: seconds }),
        graceMs + writeDeadlineMs,
      ),
    );
  }

  async remove(id: string): Promise<void> {
    await this.#quietly(
      this.#client.write(`remove container ${id}`, async (docker) =>
        docker.getContainer(id).remove({ force: true, v: true }),
      ),
    );
  }

  // Already so (304), gone (404) and going (409) are what was asked for.
  async #quietly(call: Promise<unknown>): Promise<void> {
    try {
      await call;
    } catch (error) {
      if (isRefusal(error, 304) || isRefusal(error, 404) || isRefusal(error, 409, alreadyGoing))
        return;
      throw error;
    }
  }

  async restart(id: string, graceMs: number): Promise<void> {
    const seconds = Math.ceil(graceMs / 1000);
    try {
      await this.#client.write(
        `restart container ${id}`,
        async (docker) => docker.getContainer(id).restart({ t: seconds }),
        graceMs + writeDeadlineMs,
      );
    } catch (error) {
      throw await this.#startFailure(id, error);
    }
  }

  async update(
    id: string,
    change: Readonly<{ limits?: Limits; restart?: RestartPolicy }>,
  ): Promise<void> {
    const body = {
      ...(change.limits === undefined ? {} : limitsBody(change.limits)),
      ...(change.restart === undefined ? {} : { RestartPolicy: restartBody(change.restart) }),
    };
    try {
      await this.#client.write(`update container ${id}`, async (docker) =>
        docker.getContainer(id).update(body),
      );
    } catch (error) {
      throw readRefusal(error, await this.#refused(id));
    }
  }

  async inspect(id: string): Promise<ObservedContainer | undefined> {
    return inspectContainer(this.#client, id);
  }

  logs(id: string, options: LogOptions, signal?: AbortSignal): AsyncIterable<LogLine> {
    return readLogs(this.#client, id, options, signal);
  }

  async exec(
    id: string,
    command: readonly string[],
    options: ExecOptions = {},
  ): Promise<Execution> {
    return execute(this.#client, id, command, options);
  }

  stats(id: string, signal?: AbortSignal): AsyncIterable<ContainerStats> {
    return readStats(this.#client, id, signal);
  }

  async put(id: string, path: string, entries: readonly ArchiveEntry[]): Promise<void> {
    try {
      await putArchive(this.#client, { id, path, entries });
    } catch (error) {
      if (isRefusal(error, 404, /no such container/i)) throw new ContainerMissingError(id, error);
      throw error;
    }
  }

  take(id: string, path: string): AsyncIterable<TakenFile | TakenLink> {
    return takeArchive(this.#client, { id, path });
  }
}

/** Podman answers 500 where Docker answers 409. */
function isNameConflict(error: unknown): boolean {
  return (
    isRefusal(error, 409, /already in use/i) ||
    isRefusal(error, 500, /name .* is in use|already in use/i)
  );
}
