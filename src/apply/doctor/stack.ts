/** Looks at a stack: its file, its secrets, and what the engine has of it. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { EngineDescription, Observed } from "../../engine/engine.ts";
import { exitCodes } from "../../errors.ts";
import type { StackReadiness } from "../../gateway/protocol.ts";
import { clientsOf, unseenWarning } from "../../plan/clients.ts";
import { isMovingTag } from "../../stack/image-reference.ts";
import type { ContainerService, Stack } from "../../stack/stack.ts";
import { refuseLoose, secretsFolder } from "../key-files.ts";
import type { LockOwner } from "../lock.ts";
import { isAlive } from "../owner.ts";
import type { StackStatus } from "../stack-status.ts";
import { broken, brokenBy, type Check, doubtful, fine } from "./check.ts";

/** The stack file, once it was read. */
export function checkStackFile(
  { name, file, services }: Stack,
  warnings: readonly string[],
): readonly Check[] {
  const found = fine(
    "stack",
    `${file}: ${name}, ${String(services.length)} ${services.length === 1 ? "service" : "services"}`,
  );
  return [found, ...warnings.map((warning) => doubtful("stack", warning, "See `nexus config`."))];
}

/** Images that change under the same name. */
export function checkTags({ services }: Stack): Check {
  const moving = services.filter(
    (service) =>
      service.kind === "container" &&
      service.image.kind === "pull" &&
      isMovingTag(service.image.ref),
  );
  if (moving.length === 0) return fine("images", "every image names a version");
  const names = moving.map(({ name }) => name).join(", ");
  return doubtful(
    "images",
    `${names}: the image has no version, so it can be another one tomorrow`,
    "Give the image a version tag or a digest in the stack file.",
  );
}

/** Keys and secrets are for their owner alone, and not for git. */
export async function checkSecrets({ directory }: Stack): Promise<readonly Check[]> {
  const folder = secretsFolder(directory);
  const files = await readdir(folder).catch(() => []);
  if (files.length === 0) return [fine("secrets", "none are kept yet")];
  try {
    await refuseLoose(folder, 0o700);
    for (const file of files) await refuseLoose(join(folder, file), 0o600);
  } catch (error) {
    return [brokenBy("secrets", error)];
  }
  return [
    fine("secrets", `${String(files.length)} in ${folder}, readable by you alone`),
    ...(await checkIgnored(directory)),
  ];
}

async function checkIgnored(directory: string): Promise<readonly Check[]> {
  const ignored = await readFile(join(directory, ".gitignore"), "utf8").catch(() => "");
  if (/^\/?\.nexus\/?\s*$/m.test(ignored)) return [];
  return [
    doubtful(
      "secrets",
      ".nexus/ is not in .gitignore",
      `Add it: \`echo .nexus/ >> ${join(directory, ".gitignore")}\`.`,
    ),
  ];
}

/** GPUs that are asked for against those that can be given. */
export function checkGpus({ services }: Stack, engine: EngineDescription): Check {
  const { gpuKinds } = engine;
  const wanting = services.filter(
    (service) => service.kind === "container" && service.gpus.kind !== "none",
  );
  if (wanting.length === 0) return fine("gpus", "no service asks for one");
  if (losesGpus(engine)) {
    return doubtful(
      "gpus",
      "the engine hands on NVIDIA's GPUs and leaves control groups to systemd: `systemctl daemon-reload` on its machine takes the GPUs from running containers, without a word",
      'Put `"exec-opts": ["native.cgroupdriver=cgroupfs"]` into /etc/docker/daemon.json on the engine\'s machine and restart the engine; `nexus restart` brings back a GPU that was lost.',
    );
  }
  if (gpuKinds.length > 0) return fine("gpus", `the engine hands on GPUs (${gpuKinds.join(", ")})`);
  const needing = wanting.filter(
    (service) => service.kind === "container" && service.gpus.kind !== "auto",
  );
  const names = needing.map(({ name }) => name).join(", ");
  if (needing.length === 0)
    return fine("gpus", "none here: services with `gpus: auto` run on the CPU");
  return broken(
    "gpus",
    `${names}: a GPU is asked for and the engine can give none`,
    "Install the NVIDIA Container Toolkit (or AMD's ROCm driver) on the engine's machine, or write `gpus: auto`.",
    exitCodes.resources,
  );
}

/** NVIDIA's hook tells nobody which devices it lets a container use, so systemd forgets them (nvidia-container-toolkit#48). */
function losesGpus({ gpuKinds, cgroupDriver }: EngineDescription): boolean {
  return gpuKinds.includes("nvidia") && cgroupDriver === "systemd";
}

/** The sum of what services may take at most, in bytes; those without a limit do not count. */
export function limitsOf({ services }: Stack): number {
  const limits = services
    .filter((service): service is ContainerService => service.kind === "container")
    .map((service) => service.limits.memoryBytes ?? 0);
  return limits.reduce((sum, each) => sum + each, 0);
}

/** A lock, and whether its holder lives. */
export async function checkLock(stack: string, owner: LockOwner | undefined): Promise<Check> {
  if (owner === undefined) return fine("lock", "nobody is changing the stack");
  const who = `\`${owner.command}\` of ${owner.user} on ${owner.host}, since ${owner.since}`;
  if ((await isAlive(owner)) === "dead") {
    return doubtful(
      "lock",
      `left behind by ${who}; its process is gone`,
      "Nothing to do: the next `nexus up` takes it over.",
    );
  }
  return doubtful(
    "lock",
    `${stack} is being changed by ${who}`,
    "Wait for it, or run `nexus unlock` if you know that it is gone.",
  );
}

/** Networks of the same name, which some engines allow. */
export function checkNetworks({ networks }: Observed): Check {
  const names = networks.map(({ name }) => name);
  const doubled = names.filter((name, at) => names.indexOf(name) !== at);
  if (doubled.length === 0)
    return fine("networks", networks.length === 0 ? "none yet" : names.join(", "));
  return doubtful(
    "networks",
    `there are several networks named ${doubled.join(", ")}`,
    "Run `nexus up`: it keeps one and removes the others.",
  );
}

/** Keys that may be used from certain addresses only, where the gateway cannot see any. */
export function checkAddresses(
  stack: Stack,
  engine: EngineDescription,
  readiness: StackReadiness | undefined,
): readonly Check[] {
  const unseen = unseenWarning(clientsOf(stack, engine), readiness);
  const fix = 'See "Keys for certain addresses" in docs/DEPLOYMENT.md.';
  return unseen === undefined ? [] : [doubtful("addresses", unseen, fix)];
}

/** What runs of the stack. */
export function checkServices({ services, ok, differs }: StackStatus): Check {
  const below = services.filter(({ atLevel }) => !atLevel);
  if (services.every(({ container }) => container === undefined))
    return fine("services", "the stack is not up");
  if (!ok) {
    const said = below.map(({ sentence }) => sentence).join(" ");
    return broken("services", said, "See `nexus status`.", exitCodes.notReady);
  }
  if (differs)
    return doubtful(
      "services",
      "all at their level, but not as nexus.yaml has them",
      "Run `nexus plan`, then `nexus up`.",
    );
  return fine("services", `all ${String(services.length)} at their level`);
}
