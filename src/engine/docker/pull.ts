/** Pulling an image: progress, credentials, a watchdog against silence, and proof that it arrived. */
import type { IncomingMessage } from "node:http";
import type { PullProgress } from "../engine.ts";
import { EngineError, EngineSilentError } from "../errors/connection.ts";
import { ImagePlatformError, PullFailedError, PullStalledError } from "../errors/image.ts";
import type { DockerClient } from "./client.ts";
import { findCredentials, registryAuthHeader } from "./credentials.ts";
import type { CredentialSources, Credentials } from "./credentials.ts";
import { imageArchitecture, readInfo } from "./describe.ts";
import { readJsonLines } from "./json-lines.ts";
import { inspectImage } from "./observe.ts";
import { PullTally, failureIn, streamLine } from "./pull-progress.ts";
import { parseReference } from "./reference.ts";
import { readPullFailure } from "./registry-failures.ts";
import { withWatchdog } from "./watchdog.ts";

/** How a pull is done. */
export type PullOptions = Readonly<{
  sources: CredentialSources;
  /** Without a byte for this long the pull is given up and tried once more. */
  stallMs: number;
  /** Podman ends a pull without a closing status. */
  podman: boolean;
}>;

/** Pulls; throws the classes of errors/image.ts. Closing the iteration stops the pull on the engine. */
export async function* pullImage(
  client: DockerClient,
  ref: string,
  options: PullOptions,
  signal?: AbortSignal,
): AsyncGenerator<PullProgress> {
  const credentials = await findCredentials(parseReference(ref).registry, options.sources);
  const attempt = { client, ref, credentials, options, signal };
  try {
    yield* pullOnce(attempt);
  } catch (error) {
    if (!(error instanceof PullStalledError)) throw error;
    yield* pullOnce(attempt);
  }
  await verify(client, ref);
}

type Attempt = Readonly<{
  client: DockerClient;
  ref: string;
  credentials: Credentials;
  options: PullOptions;
  signal: AbortSignal | undefined;
}>;

async function* pullOnce(attempt: Attempt): AsyncGenerator<PullProgress> {
  const { client, ref, options, signal } = attempt;
  const stop = new AbortController();
  const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  const tally = new PullTally();
  try {
    const response = await openPull(attempt, either);
    for await (const json of readJsonLines(withWatchdog(response, options.stallMs))) {
      const line = streamLine.parse(json);
      const said = failureIn(line);
      if (said !== undefined) throw await pullFailure(attempt, said);
      yield tally.add(line);
    }
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof EngineSilentError) throw new PullStalledError(ref, options.stallMs);
    throw client.streamFailure(`pull ${ref}`, error);
  } finally {
    // Closing the connection is how an engine is told to stop pulling.
    stop.abort();
  }
  if (!tally.finished && !options.podman)
    throw new PullFailedError(ref, "the engine ended the pull without saying that it is done");
}

async function openPull(attempt: Attempt, signal: AbortSignal): Promise<IncomingMessage> {
  const { client, ref, credentials, options } = attempt;
  const { repository, tag } = parseReference(ref);
  const { auth } = credentials;
  const authconfig = auth === undefined ? {} : { authconfig: { base64: registryAuthHeader(auth) } };
  try {
    return (await client.dial(
      `pull ${ref}`,
      {
        path: "/images/create?",
        method: "POST",
        isStream: true,
        options: { _query: { fromImage: repository, tag }, _body: {} },
        statusCodes: { 200: true },
        abortSignal: signal,
        ...authconfig,
      },
      options.stallMs,
    )) as IncomingMessage;
  } catch (error) {
    if (error instanceof EngineError) throw await pullFailure(attempt, error.said);
    throw error;
  }
}

async function pullFailure({ client, ref, credentials }: Attempt, said: string): Promise<Error> {
  const { registry } = parseReference(ref);
  const platform = await enginePlatform(client).catch(() => "another platform");
  return readPullFailure(said, { ref, registry, tried: credentials.source, platform });
}

async function enginePlatform(client: DockerClient): Promise<string> {
  const { info } = await readInfo(client);
  return `${info.OSType}/${imageArchitecture(info.Architecture)}`;
}

/** A pull can end well and still leave nothing, or an image for another machine. */
async function verify(client: DockerClient, ref: string): Promise<void> {
  const [image, needs] = await Promise.all([inspectImage(client, ref), enginePlatform(client)]);
  if (image === undefined) throw new PullFailedError(ref, "the engine does not have it afterwards");
  const has = `${image.os}/${image.architecture}`;
  // Images made by hand may say nothing of their platform.
  if (image.architecture !== "" && has !== needs) throw new ImagePlatformError(ref, has, needs);
}
