/** What the services of the ancestor's compose files are: those that Nexus is itself, and those built from its folders. Pure. */
import type { Values } from "../compose/layers.ts";
import { isRecord } from "../../stack/record.ts";

const around: readonly Readonly<{ means: RegExp; message: string }>[] = [
  {
    means: /-registrar$/,
    message: "is not needed: `nexus up` tells the gateway which services there are",
  },
  {
    means: /^etcd(?:-|$)/,
    message: "is not needed: the containers' labels are the registry",
  },
  {
    means: /^nginx$/,
    message: "is not needed: the gateway speaks HTTPS itself; name the pair under `gateway.tls`",
  },
  {
    means: /^mlx$/,
    message:
      "cannot use Apple's GPU in a container: run it on the Mac itself, and name it as an `external` service",
  },
];

/** Why a service has no place in a stack; undefined when it has one. The gateway is {@link isOldGateway}. */
export function replacedBecause(name: string): string | undefined {
  return around.find(({ means }) => means.test(name))?.message;
}

/** Whether a service is the ancestor's own gateway, which Nexus's takes the place of. */
export function isOldGateway({ build, container_name: container }: Values): boolean {
  const folder = isRecord(build) ? build["context"] : build;
  const isBuilt = typeof folder === "string" && /(?:^|\/)services\/gateway\/?$/.test(folder);
  return container === "nexus-gateway" || isBuilt;
}

/**
 * What the ancestor's own images serve, and where: they have health checks of their own words and no metadata. `/readyz`
 * of some loads a model or runs a program with each call; those are asked for `/health`.
 */
export const built: Readonly<Record<string, Values>> = {
  images: { port: 7860, provides: ["image"], probe: "/readyz" },
  tts: { port: 9940, provides: ["tts"], probe: "/readyz" },
  luxtts: { port: 9170, provides: ["tts"], probe: "/health" },
  "qwen3-tts": { port: 9175, provides: ["tts"], probe: "/health" },
  "sdxl-turbo": { port: 9050, provides: ["image"], probe: "/health" },
  "lighton-ocr": { port: 9155, provides: ["ocr"], probe: "/readyz" },
  personaplex: { port: 9160, provides: ["chat"], probe: "/readyz" },
  followyourcanvas: { port: 9165, provides: ["video"], probe: "/readyz" },
  "skyreels-v2": { port: 9180, provides: ["video"], probe: "/readyz" },
  heartmula: { port: 9185, provides: ["music"], probe: "/readyz" },
};
