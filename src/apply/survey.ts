/** One look at everything a plan depends on: the engine, what it has, the gateway's view, GPUs, secrets. */
import { createHmac, randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Engine } from "../engine/engine.ts";
import { certificateDigest } from "../gateway/config.ts";
import type { UpInput } from "../plan/plan.ts";
import { planUp } from "../plan/plan-up.ts";
import type { Stack } from "../stack/stack.ts";
import type { Survey } from "./bring-up.ts";
import { readCertified } from "./certificate-files.ts";
import { SecretMissingError } from "./errors.ts";
import { askGateway } from "./gateway-access.ts";
import { findGpus } from "./find-gpus.ts";
import { readGatewayImage } from "./gateway-image.ts";
import { chooseNodeBase } from "./node-base.ts";
import { askForKeys, readServiceKeys, type ServiceKeys } from "./service-keys.ts";
import { signaturesOf } from "./signatures.ts";

/** What `up` and `plan` start from. */
export type UpRequest = Readonly<{
  engine: Engine;
  stack: Stack;
  /** Version of Nexus, for the labels. */
  version: string;
  /** Fetch images anew even when they are there. */
  pull?: "always";
}>;

/** What was seen and planned, and what the plan was made from. */
export type UpSurvey = Survey & Readonly<{ input: UpInput }>;

/** Looks at the world and plans how to bring it to the stack. */
export async function surveyUp(request: UpRequest): Promise<UpSurvey> {
  const { engine, stack, version, pull } = request;
  const description = await engine.describe();
  const gatewayImage = await readGatewayImage(chooseNodeBase(description, stack.gateway.baseImage));
  const [observed, secretDigests] = await Promise.all([
    engine.observe(stack.name, [gatewayImage.ref, ...imagesOf(stack)]),
    digestSecrets(stack),
  ]);
  const certificate = await digestCertificate(stack);
  const serviceKeys = await readServiceKeys(stack);
  const [readiness, keys, gpus] = await Promise.all([
    askGateway(engine, observed),
    hasKeys(serviceKeys) ? askForKeys(engine, observed) : undefined,
    findGpus({ engine, stack, description, observed, gatewayImage }),
  ]);
  const input: UpInput = {
    stack,
    observed,
    engine: description,
    gpus,
    gateway: {
      image: gatewayImage.ref,
      ...(readiness ? { readiness } : {}),
      ...(certificate === undefined ? {} : { certificate }),
      ...(keys && { keys }),
    },
    version,
    secretDigests,
    serviceKeys: serviceKeys.byService,
    ...(pull ? { pull } : {}),
  };
  return {
    plan: planUp(input),
    input,
    observed,
    description,
    gatewayImage,
    freshKeys: serviceKeys.fresh,
    signatures: signaturesOf(stack),
  };
}

function hasKeys({ byService }: ServiceKeys): boolean {
  return Object.keys(byService).length > 0;
}

/** Also those that services have where they get no GPU. */
function imagesOf({ services }: Stack): string[] {
  return services.flatMap((service) => {
    if (service.kind === "external") return [];
    const { image, withoutGpu } = service;
    return [image.ref, ...(withoutGpu ? [withoutGpu.image.ref] : [])];
  });
}

async function digestCertificate({ gateway: { tls } }: Stack): Promise<string | undefined> {
  return tls && certificateDigest((await readCertified(tls)).certificate);
}

/** A keyed hash of every secret, so that a change is seen and a label gives nothing away. */
async function digestSecrets(stack: Stack): Promise<Record<string, string>> {
  const files = stack.services.flatMap((service) =>
    service.kind === "container" ? service.secrets : [],
  );
  if (files.length === 0) return {};
  const key = await hashKey(stack.directory);
  const digest = async ({
    name,
    file,
  }: Readonly<{ name: string; file: string }>): Promise<[string, string]> => {
    const content = await readFile(file).catch(() => {
      throw new SecretMissingError(name, file);
    });
    return [name, createHmac("sha256", key).update(content).digest("hex")];
  };
  return Object.fromEntries(await Promise.all(files.map(digest)));
}

async function hashKey(directory: string): Promise<Buffer> {
  const folder = join(directory, ".nexus");
  const file = join(folder, "hash.key");
  const existing = await readFile(file).catch(() => undefined);
  if (existing) return existing;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(file, randomBytes(32), { mode: 0o600, flag: "wx" }).catch(() => undefined);
  return readFile(file);
}
