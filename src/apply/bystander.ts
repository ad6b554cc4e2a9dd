/** Services that only the engine knows: no stack file says what is wanted of them. */
import type { ContainerService } from "../stack/stack.ts";

/** A stand-in for a service of which nothing is wanted but that it serves: `probed` when the gateway asks it. */
export function bystander(
  name: string,
  seen: Readonly<{ image: string; probed: boolean; oneShot: boolean }>,
): ContainerService {
  return {
    kind: "container",
    name,
    origin: "the engine",
    image: { kind: "pull", ref: seen.image, pullPolicy: "missing" },
    provides: [],
    models: [],
    ...(seen.probed
      ? { probe: { path: "/readyz", status: [200], loading: [503], models: "none" } }
      : {}),
    ready: seen.probed ? "ready" : "running",
    stallTimeoutMs: 0,
    stableMs: 0,
    apiPath: "",
    dependsOn: [],
    environment: {},
    readOnly: false,
    init: false,
    capAdd: [],
    mounts: [],
    ports: [],
    gpus: { kind: "none" },
    limits: { pids: 0 },
    restart: { name: "no" },
    devices: [],
    groupAdd: [],
    extraHosts: [],
    labels: {},
    stopGraceMs: 0,
    egress: true,
    secrets: [],
    modelPull: "none",
    oneShot: seen.oneShot,
  };
}
