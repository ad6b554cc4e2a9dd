/** Looks at this machine and at the engine itself. */
import { statfs } from "node:fs/promises";
import type { EngineDescription } from "../../engine/engine.ts";
import { exitCodes } from "../../errors.ts";
import { broken, type Check, doubtful, fine, skipped } from "./check.ts";

const gib = 1024 ** 3;

/** Node's version; older ones do not get this far. */
export function checkNode(version: string): Check {
  return fine("node", `Node ${version}`);
}

/** What the engine is and how it was found. */
export function checkEngine(engine: EngineDescription): readonly Check[] {
  const { kind, version, apiVersion, os, system, architecture, endpoint } = engine;
  const name = kind === "docker" ? "Docker Engine" : "Podman";
  const how = [
    engine.rootless ? "rootless" : "",
    engine.virtualMachine ? "in a virtual machine" : "",
    engine.local ? "" : "not on this machine",
  ].filter(Boolean);
  const where = how.length > 0 ? `${endpoint} (${how.join(", ")})` : endpoint;
  const facts = [`${name} ${version}`, `API ${apiVersion}`, `${os}/${architecture}`, system, where];
  const detail = facts.filter(Boolean).join(", ");
  const warnings = (engine.warnings ?? []).map((warning) =>
    doubtful("engine", warning, "Settle it, so that it is clear which engine is meant."),
  );
  return [os === "linux" ? fine("engine", detail) : notLinux(detail), ...warnings];
}

function notLinux(detail: string): Check {
  return broken(
    "engine",
    `${detail} runs no Linux containers`,
    "Switch the engine to Linux containers.",
    exitCodes.engine,
  );
}

/** Expiry dates and log times are compared across both clocks. */
export function checkClock({ clockSkewMs }: EngineDescription): Check {
  const seconds = Math.round(Math.abs(clockSkewMs) / 100) / 10;
  const detail = `the engine's clock is ${String(seconds)} s ${clockSkewMs < 0 ? "behind" : "ahead of"} this one`;
  if (Math.abs(clockSkewMs) < 2000) return fine("clock", "the engine's clock agrees with this one");
  return doubtful("clock", detail, "Set both clocks by NTP; for a virtual machine, restart it.");
}

/** Memory and cores that the engine can give. */
export function checkMemory({ memoryBytes, cpus }: EngineDescription, limitsBytes: number): Check {
  const detail = `${String(cpus)} cores, ${(memoryBytes / gib).toFixed(1)} GiB of memory`;
  if (limitsBytes <= memoryBytes) return fine("memory", detail);
  return doubtful(
    "memory",
    `${detail}; the services' limits add up to ${(limitsBytes / gib).toFixed(1)} GiB`,
    "Lower `mem_limit` of some services, or expect them to be killed when all are busy.",
  );
}

/** Room for images, models and volumes. */
export async function checkDisk({ local, rootDir }: EngineDescription): Promise<Check> {
  if (!local) return skipped("disk", "the engine's disk is not on this machine");
  const space = await statfs(rootDir).catch(() => undefined);
  if (space === undefined) return skipped("disk", `${rootDir} cannot be looked at by this user`);
  const freeGib = (space.bavail * space.bsize) / gib;
  const detail = `${freeGib.toFixed(1)} GiB free in ${rootDir}`;
  const fix =
    "Remove what is not needed: `docker system df` shows what takes room, `docker image prune` removes unused images.";
  if (freeGib < 1) return broken("disk", detail, fix, exitCodes.resources);
  return freeGib < 10
    ? doubtful("disk", `${detail}: images and models are large`, fix)
    : fine("disk", detail);
}
