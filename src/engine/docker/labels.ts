/** What we write on containers, networks and volumes: the only record of what is deployed. */
import type { ForeignContainer, Identity, Role } from "../engine.ts";

/** On everything that belongs to a stack. */
export const stackLabel = "io.nexus.stack";
const serviceLabel = "io.nexus.service";
const roleLabel = "io.nexus.role";
const generationLabel = "io.nexus.generation";
const hashLabel = "io.nexus.config-hash";
const versionLabel = "io.nexus.version";

/**
 * The labels of a container. Compose's own are there so that Docker Desktop, Portainer and lazydocker group it;
 * Compose's `config-hash` is not, because Compose manages whatever carries that.
 */
export function identityLabels(identity: Identity): Readonly<Record<string, string>> {
  const { stack, service, role, generation, configHash, version } = identity;
  return {
    [stackLabel]: stack,
    [serviceLabel]: service,
    [roleLabel]: role,
    [generationLabel]: String(generation),
    [hashLabel]: configHash,
    [versionLabel]: version,
    "com.docker.compose.project": stack,
    "com.docker.compose.service": service,
    "com.docker.compose.container-number": String(generation),
    "com.docker.compose.oneoff": role === "job" ? "True" : "False",
  };
}

type Labels = Readonly<Record<string, string>>;

/** Reads an identity back; undefined for a container that is not ours. */
export function readIdentity(labels: Labels): Identity | undefined {
  const stack = labels[stackLabel];
  const service = labels[serviceLabel];
  if (stack === undefined || service === undefined) return undefined;
  return {
    stack,
    service,
    role: readRole(labels[roleLabel]),
    generation: Number(labels[generationLabel] ?? 0) || 0,
    configHash: labels[hashLabel] ?? "",
    version: labels[versionLabel] ?? "",
  };
}

function readRole(role: string | undefined): Role {
  return role === "gateway" || role === "job" ? role : "service";
}

/** Where the project of a container lies that Compose made (https://github.com/docker/compose/blob/main/pkg/api/labels.go); undefined for others. */
export function composeProjectOf(labels: Labels): ForeignContainer["compose"] {
  const project = labels["com.docker.compose.project"];
  const service = labels["com.docker.compose.service"];
  const directory = labels["com.docker.compose.project.working_dir"];
  if (project === undefined || service === undefined || directory === undefined) return undefined;
  const files = (labels["com.docker.compose.project.config_files"] ?? "").split(",");
  return { project, service, directory, files: files.filter((file) => file !== "") };
}

/** The stack, Compose project or Swarm stack that something says it belongs to. */
export function ownerOf(labels: Labels): string | undefined {
  return (
    labels[stackLabel] ??
    labels["com.docker.compose.project"] ??
    labels["com.docker.stack.namespace"]
  );
}
