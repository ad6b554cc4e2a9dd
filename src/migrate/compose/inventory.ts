/** What of a Compose project is on the engine, and what of it a stack would meet. Pure. */
import type { ForeignContainer, Observed } from "../../engine/engine.ts";
import type { Variables } from "../../stack/interpolate.ts";
import { serviceSchema } from "../../stack/schema/service.ts";
import type { Conversion } from "./convert.ts";
import { filled } from "./fill.ts";

/** What is there already. */
export type Inventory = Readonly<{
  /** The project's containers; nobody stops them. */
  containers: readonly Readonly<{ name: string; image: string; running: boolean }>[];
  /** Volumes that exist and that the stack goes on with. */
  volumes: readonly string[];
  /** Ports that the stack publishes and that a running container has. */
  ports: readonly Readonly<{ service: string; port: number; heldBy: string; ofProject: boolean }>[];
}>;

/** Compares a conversion with the engine. */
export function takeInventory(
  conversion: Conversion,
  { foreign, volumes }: Observed,
  { project, variables }: Readonly<{ project: string; variables: Variables }>,
): Inventory {
  const wanted = new Set(conversion.volumes.map(({ name }) => name));
  const own = foreign.filter(({ owner }) => owner === project);
  return {
    containers: own.map(({ name, image, running }) => ({ name, image, running })),
    volumes: volumes.map(({ name }) => name).filter((name) => wanted.has(name)),
    ports: conversion.services.flatMap(({ name, keys }) => {
      const ports =
        serviceSchema.shape.ports.safeParse(filled(keys["ports"], variables)).data ?? [];
      return ports.flatMap(({ published }) => {
        const holder = foreign.find((other) => holds(other, published));
        if (!holder) return [];
        const ofProject = holder.owner === project;
        return [{ service: name, port: published, heldBy: holder.name, ofProject }];
      });
    }),
  };
}

function holds({ running, ports }: ForeignContainer, published: number): boolean {
  return running && ports.some(({ hostPort }) => hostPort === published);
}
