/** Building images with the classic builder, which needs no session with the engine. */
import type { IncomingMessage } from "node:http";
import { stripVTControlCharacters } from "node:util";
import type { BuildProgress } from "../engine.ts";
import { listBuildContext } from "../../stack/build-context.ts";
import type { BuildSource } from "../../stack/stack.ts";
import { BuildFailedError } from "../errors/image.ts";
import { DiskFullError } from "../errors/resources.ts";
import type { DockerClient } from "./client.ts";
import { allCredentials, registryAuthHeader } from "./credentials.ts";
import type { CredentialSources } from "./credentials.ts";
import { readJsonLines } from "./json-lines.ts";
import { inspectImage } from "./observe.ts";
import { failureIn, streamLine } from "./pull-progress.ts";
import type { StreamLine } from "./pull-progress.ts";
import { packEntries } from "./tar.ts";
import type { TarEntry } from "./tar.ts";

/** What is built. */
export type BuildOrder = Readonly<{
  ref: string;
  entries: Iterable<TarEntry> | AsyncIterable<TarEntry>;
  labels: Readonly<Record<string, string>>;
  dockerfile: string;
  args: Readonly<Record<string, string>>;
  target?: string;
}>;

const keptLines = 20;
const startDeadlineMs = 600_000;

/** The order for a context on disk, without what its ignore file names. */
export function orderFromDisk(
  ref: string,
  source: BuildSource,
  labels: Readonly<Record<string, string>>,
): BuildOrder {
  const { dockerfile, args, target } = source;
  return {
    ref,
    labels,
    dockerfile,
    args,
    entries: contextEntries(source),
    ...(target === undefined ? {} : { target }),
  };
}

async function* contextEntries({ context, dockerfile }: BuildSource): AsyncGenerator<TarEntry> {
  for (const { path, mode, absolute, link } of await listBuildContext(context, dockerfile))
    yield link === undefined ? { path, mode, source: absolute } : { path, mode, link };
}

/** Builds and tags; throws BuildFailedError with the last lines, or DiskFullError. */
export async function* buildImage(
  client: DockerClient,
  order: BuildOrder,
  sources: CredentialSources,
  signal?: AbortSignal,
): AsyncGenerator<BuildProgress> {
  const { ref } = order;
  const said: string[] = [];
  let built: string | undefined;
  try {
    for await (const json of readJsonLines(await openBuild(client, order, sources, signal))) {
      const line = streamLine.parse(json);
      failOn(line, ref, said);
      built = line.aux?.ID ?? built;
      for (const text of textOf(line)) {
        said.push(text);
        yield { line: text };
      }
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw client.streamFailure(`build ${ref}`, error);
  }
  if (!(await isThere(client, ref, built)))
    throw new BuildFailedError(
      ref,
      "the engine does not have the image afterwards",
      said.slice(-keptLines),
    );
}

/** The name may lead to the image of somebody who built the same at the same time: then one's own is there without it. */
async function isThere(client: DockerClient, ref: string, built?: string): Promise<boolean> {
  const named = await inspectImage(client, ref);
  if (named === undefined) return false;
  if (built === undefined || named.id === built) return true;
  return (await inspectImage(client, built)) !== undefined;
}

async function openBuild(
  client: DockerClient,
  order: BuildOrder,
  sources: CredentialSources,
  signal?: AbortSignal,
): Promise<IncomingMessage> {
  const { ref, entries, labels, dockerfile, args, target } = order;
  const credentials = await allCredentials(sources);
  const query = {
    t: ref,
    dockerfile,
    buildargs: args,
    labels,
    rm: "1",
    forcerm: "1",
    ...(target === undefined ? {} : { target }),
  };
  return (await client.dial(
    `build ${ref}`,
    {
      path: "/build?",
      method: "POST",
      isStream: true,
      file: packEntries(entries),
      options: { _query: query },
      registryconfig: { base64: registryAuthHeader(credentials) },
      statusCodes: { 200: true },
      ...(signal === undefined ? {} : { abortSignal: signal }),
    },
    startDeadlineMs,
  )) as IncomingMessage;
}

function failOn(line: StreamLine, ref: string, said: readonly string[]): void {
  const failure = failureIn(line);
  if (failure === undefined) return;
  if (/no space left on device/i.test(failure))
    throw new DiskFullError(`the build of ${ref}`, failure);
  throw new BuildFailedError(ref, failure, said.slice(-keptLines));
}

function textOf({ stream, status, id, progressDetail }: StreamLine): readonly string[] {
  // The engine colours what a build writes to stderr.
  if (stream !== undefined)
    return stripVTControlCharacters(stream)
      .split("\n")
      .filter((text) => text.trim() !== "");
  // A base image's layers report their bytes many times a second: nobody reads that as lines.
  if (status === undefined || progressDetail?.current !== undefined) return [];
  return [id === undefined ? status : `${id}: ${status}`];
}
