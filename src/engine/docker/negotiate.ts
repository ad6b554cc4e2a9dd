/** Agreeing on an API version: dockerode by itself would use whatever the engine's newest is. */
import type { IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import type Docker from "dockerode";
import { EngineTooOldError } from "../errors/connection.ts";
import { dialModem } from "./client.ts";

/** What an engine says of itself before any version is agreed. */
export type Greeting = Readonly<{ apiVersion: string; kind: "docker" | "podman" }>;

/** The oldest API that Nexus speaks: Docker Engine 20.10. */
export const oldestApi = "1.41";
/** The newest whose changes are known. */
export const newestApi = "1.54";

/** How long an engine may take to say hello, once connected. */
export const greetDeadlineMs = 15_000;
/** The same over ssh, where people type passphrases. */
export const sshGreetDeadlineMs = 60_000;

/** Asks `/_ping`, the one call without a version; throws what dockerode throws. */
export async function greet(docker: Docker, deadlineMs: number): Promise<Greeting> {
  const answer = (await dialModem(docker.modem, {
    path: "/_ping",
    method: "GET",
    isStream: true,
    statusCodes: { 200: true },
    abortSignal: AbortSignal.timeout(deadlineMs),
  })) as IncomingMessage;
  // Read to its end, so that a connection through ssh is free for the next call.
  await text(answer);
  const version = answer.headers["api-version"];
  const podman = answer.headers["libpod-api-version"] !== undefined;
  return {
    apiVersion: typeof version === "string" ? version : "1.0",
    kind: podman ? "podman" : "docker",
  };
}

/** The version both speak; `pinned` is DOCKER_API_VERSION. Throws EngineTooOldError. */
export function agreeOnVersion(offered: string, endpoint: string, pinned = ""): string {
  const wanted = pinned === "" ? newestApi : pinned;
  const agreed = compareVersions(offered, wanted) < 0 ? offered : wanted;
  if (compareVersions(agreed, oldestApi) < 0)
    throw new EngineTooOldError(endpoint, agreed, oldestApi);
  return agreed;
}

/** Orders API versions such as `1.9` and `1.41` by number. */
export function compareVersions(left: string, right: string): number {
  const [leftMajor = 0, leftMinor = 0] = left.split(".").map(Number);
  const [rightMajor = 0, rightMinor = 0] = right.split(".").map(Number);
  return leftMajor - rightMajor || leftMinor - rightMinor;
}
