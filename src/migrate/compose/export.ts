/** Writes a stack as a Compose file that runs by itself; reading it again gives the same stack. Pure. */
import { relative } from "node:path";
import { Document, isMap } from "yaml";
import type { LoadedStack } from "../../stack/load.ts";
import { effectiveStack } from "../../stack/format.ts";
import { isRecord } from "../../stack/record.ts";
import type { Variables } from "../../stack/interpolate.ts";
import type { ContainerService, Stack } from "../../stack/stack.ts";
import { exportedValues } from "./export-values.ts";
import type { Values } from "./layers.ts";

/** Keys that Compose has too, under the same name and with the same meaning. */
const shared =
  "image pull_policy build entrypoint command user working_dir environment volumes tmpfs ports extra_hosts mem_limit cpus pids_limit shm_size devices group_add cap_add read_only init healthcheck restart stop_grace_period labels secrets".split(
    " ",
  );

const head = ` Written by \`nexus export compose\`: runs with \`docker compose up\`, on the same volumes.

 What Compose has no equal for stands under \`x-nexus\`, which Compose ignores and \`nexus migrate\` reads:
 - the gateway, with its keys, routes and limits, is made and told what to do by Nexus: nothing is in front of the
   services here, and whoever needs the gateway is left out;
 - readiness is asked by Nexus through the gateway: here a service counts when it runs, or when its own check says so;
 - models are not fetched, and GPUs are not given out by free memory.`;

/** The Compose file's text; what was filled in from `variables` stays a variable. */
export function composeText({ stack, origins }: LoadedStack, variables: Variables): string {
  const { gateway, services, volumes, secrets } = effectiveStack(
    exportedValues(origins, variables),
  );
  const all = isRecord(services) ? services : {};
  const own = stack.services.filter(isOwn);
  const outside = Object.entries(all).filter(([name]) => !own.some((each) => each.name === name));
  const document = new Document(
    {
      name: stack.name,
      services: Object.fromEntries(
        own.map((service) => [service.name, serviceOf(service, all[service.name], { stack, own })]),
      ),
      networks: { default: {}, inside: { internal: true } },
      ...(isRecord(volumes) && { volumes: volumes }),
      ...(isRecord(secrets) && { secrets: localPaths(secrets, stack) }),
      "x-nexus": { gateway, ...(outside.length > 0 && { services: Object.fromEntries(outside) }) },
    },
    { aliasDuplicateObjects: false },
  );
  document.commentBefore = head;
  comment(document, own);
  return document.toString({ lineWidth: 0 });
}

/** Whether Compose can run it: not what runs elsewhere, and not what needs a key of the gateway. */
function isOwn(service: Stack["services"][number]): service is ContainerService {
  return service.kind === "container" && service.gatewayKey === undefined;
}

type Whole = Readonly<{ stack: Stack; own: readonly ContainerService[] }>;

function serviceOf(service: ContainerService, effective: unknown, whole: Whole): Values {
  const keys = isRecord(effective) ? effective : {};
  const beside = Object.entries(keys).filter(
    ([key, value]) => !shared.includes(key) || isOurs(key, value),
  );
  const same = Object.entries(keys).filter(([key]) => shared.includes(key));
  return {
    ...localPaths(Object.fromEntries(same), whole.stack),
    ...dependencies(service, whole.own),
    ...gpus(service),
    ...hardened(service),
    "x-nexus": Object.fromEntries(beside),
  };
}

/** What reads otherwise there: a service that is not restarted is a job only to Nexus. */
function isOurs(key: string, value: unknown): boolean {
  return key === "restart" && value === "no";
}

function dependencies({ dependsOn }: ContainerService, own: readonly ContainerService[]): Values {
  const there = dependsOn.flatMap(({ service, condition }) => {
    const other = own.find(({ name }) => name === service);
    if (!other) return [];
    const checked =
      condition === "ready" && other.healthcheck ? "service_healthy" : "service_started";
    return [
      [
        service,
        { condition: condition === "completed" ? "service_completed_successfully" : checked },
      ],
    ];
  });
  return there.length === 0 ? {} : { depends_on: Object.fromEntries(there) };
}

/** GPUs as Compose asks for them; none for `auto` where no GPU was found to fit. */
function gpus({ gpus: wanted, fittingGpus }: ContainerService): Values {
  if (wanted.kind === "none" || (wanted.kind === "auto" && !fittingGpus)) return {};
  const which =
    wanted.kind === "ids"
      ? { device_ids: wanted.ids }
      : { count: wanted.kind === "count" ? wanted.count : "all" };
  const device = { driver: "nvidia", ...which, capabilities: ["gpu"] };
  return { deploy: { resources: { reservations: { devices: [device] } } } };
}

function hardened({ egress }: ContainerService): Values {
  return {
    cap_drop: ["ALL"],
    security_opt: ["no-new-privileges:true"],
    networks: egress ? ["default", "inside"] : ["inside"],
    logging: { driver: "json-file", options: { "max-size": "10m", "max-file": "3" } },
  };
}

const paths = new Set(["source", "context", "file"]);

/** Paths below the stack's folder, as they read from there. */
function localPaths(value: Values, stack: Pick<Stack, "directory">): Values {
  const local = (key: string, inner: unknown): unknown => {
    if (Array.isArray(inner)) return inner.map((item) => local(key, item));
    if (isRecord(inner)) return localPaths(inner, stack);
    if (typeof inner !== "string" || !paths.has(key) || !inner.startsWith("/")) return inner;
    const near = relative(stack.directory, inner);
    return near.startsWith("..") ? inner : `./${near}`;
  };
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, local(key, inner)]));
}

/** Says at a service what of it is not there. */
function comment(document: Document, own: readonly ContainerService[]): void {
  for (const {
    name,
    probe,
    healthcheck,
    models,
    gpus: { kind },
  } of own) {
    const lines = [
      ...(probe && !healthcheck
        ? [" Compose cannot ask whether it is ready: its image brings no check."]
        : []),
      ...(models.length > 0 ? [` Its models have to be there: ${models.join(", ")}.`] : []),
      ...(kind === "auto" ? [" Nexus gives it a GPU where there is one."] : []),
    ];
    const node: unknown = document.getIn(["services", name], true);
    if (isMap(node) && lines.length > 0) node.commentBefore = lines.join("\n");
  }
}
