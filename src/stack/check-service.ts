/** Whether one service makes sense by itself. Pure. */
import { provable } from "../gateway/config.ts";
import { isMovingTag, isReference } from "./image-reference.ts";
import { type Member, memberProblem } from "./members.ts";
import type { Problem } from "./problem.ts";
import { gatewayKeyName } from "./resolve-secrets.ts";
import { isJob } from "./resolve-service.ts";
import type { ServiceSpec } from "./schema/service.ts";

type Check = (member: Member) => readonly Problem[];

/** Keys that make sense for an endpoint that Nexus does not run. */
const externalKeys: ReadonlySet<string> = new Set([
  "external",
  "template",
  "provides",
  "models",
  "probe",
  "ready",
  "stall_timeout",
  "api_path",
  "max_concurrency",
  "stream_usage",
  "metadata",
  "dialects",
  "release",
  "profiles",
  "depends_on",
]);

const canBeProven: ReadonlySet<string> = new Set(provable);

/** Every problem of a service that its schema cannot see. */
export function serviceProblems(member: Member): readonly Problem[] {
  const checks: readonly Check[] =
    member.spec.external === undefined
      ? [
          sourceProblems,
          levelProblems,
          provenProblems,
          storeProblems,
          mountProblems,
          limitProblems,
          egressProblems,
          keyProblems,
        ]
      : [externalProblems, provenProblems];
  return checks.flatMap((check) => check(member));
}

/** Says which images may be another one tomorrow. */
export function imageWarnings(member: Member): readonly string[] {
  const { image } = member.spec;
  if (image === undefined || !isReference(image) || !isMovingTag(image)) return [];
  return [
    `${member.name}: ${image} is a moving tag: it can be another image tomorrow. Name a version, such as :1.2.3.`,
  ];
}

function sourceProblems(member: Member): readonly Problem[] {
  const { image, build } = member.spec;
  if (member.own.image !== undefined && member.own.build !== undefined) {
    return [memberProblem(member, ["image"], "has a `build` beside it: keep one of them")];
  }
  if (image === undefined && build === undefined) {
    return [
      memberProblem(member, [], "needs an `image`, a `build`, a `template` or an `external` URL"),
    ];
  }
  return image === undefined || isReference(image)
    ? []
    : [memberProblem(member, ["image"], "is no image reference, such as ollama/ollama:0.12.6")];
}

function externalProblems(member: Member): readonly Problem[] {
  const foreign = Object.entries(member.spec).filter(
    ([key, value]) => value !== undefined && !externalKeys.has(key),
  );
  const keys = foreign.map(([key]) =>
    memberProblem(
      member,
      [key],
      `\`${key}\` is for services that Nexus runs: an \`external\` one only takes ${[...externalKeys].join(", ")}`,
    ),
  );
  const url = new URL(member.spec.external ?? "");
  const extra = url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "";
  const plain = "must be scheme, host, port and path only: no user, password, query or fragment";
  return extra ? [...keys, memberProblem(member, ["external"], plain)] : keys;
}

function levelProblems(member: Member): readonly Problem[] {
  const { port, ready, probe } = member.spec;
  if (port !== undefined) return [];
  const problems: Problem[] = [];
  if (ready !== undefined && ready !== "running") {
    const reason = isJob(member.spec)
      ? "it is a job, done when it exits 0"
      : "it has no `port` to ask";
    problems.push(memberProblem(member, ["ready"], `cannot be \`${ready}\`: ${reason}`));
  }
  if (probe) problems.push(memberProblem(member, ["probe"], "needs a `port` to ask"));
  return problems;
}

function provenProblems(member: Member): readonly Problem[] {
  const { ready, provides = [] } = member.spec;
  if (ready !== "proven" || provides.some((capability) => canBeProven.has(capability))) return [];
  const message = `can be \`proven\` only for a service that provides ${provable.slice(0, -1).join(", ")} or ${provable.at(-1)}: for others no request is known`;
  return [memberProblem(member, ["ready"], message)];
}

/** What is fetched has to be found again, or every `up` would fetch it anew. */
function storeProblems(member: Member): readonly Problem[] {
  const { model_pull: store = "none", port, probe } = member.spec;
  if (store === "none") return [];
  if (port === undefined) return [memberProblem(member, ["model_pull"], "needs a `port` to ask")];
  const wanted = store === "ollama" ? "ollama" : "openai";
  if ((probe?.models ?? "openai") === wanted) return [];
  const message = `\`${store}\` needs \`probe: { models: ${wanted} }\`: that list tells which models are there`;
  return [memberProblem(member, ["model_pull"], message)];
}

function mountProblems(member: Member): readonly Problem[] {
  const { volumes = [], tmpfs = [] } = member.spec;
  const targets = [...volumes, ...tmpfs].map(({ target }) => target);
  const doubled = targets.filter((target, index) => targets.indexOf(target) !== index);
  const sockets = volumes.filter(
    ({ type, source = "" }) =>
      type === "bind" && /(?:docker|podman|containerd)\.sock$/.test(source),
  );
  return [
    ...doubled.map((target) => memberProblem(member, ["volumes"], `has two mounts at ${target}`)),
    ...sockets.map(() =>
      memberProblem(
        member,
        ["volumes"],
        "no service gets the engine's socket: whoever has it owns this machine",
      ),
    ),
  ];
}

function limitProblems(member: Member): readonly Problem[] {
  const { mem_limit: memory } = member.spec;
  return memory !== undefined && memory < 6 * 1024 ** 2
    ? [memberProblem(member, ["mem_limit"], "must be at least 6m: engines refuse less")]
    : [];
}

/** Engines silently drop ports published from an internal network. */
function egressProblems(member: Member): readonly Problem[] {
  const { egress, ports = [] } = member.spec satisfies ServiceSpec;
  return egress === false && ports.length > 0
    ? [
        memberProblem(
          member,
          ["ports"],
          "cannot be published with `egress: false`: the gateway is the way in",
        ),
      ]
    : [];
}

/** Nobody's key becomes a service's by accident: neither the user's own nor another secret. */
function keyProblems(member: Member): readonly Problem[] {
  const { gateway_key: wanted, secrets = [] } = member.spec;
  if (wanted !== true) return [];
  const named =
    "cannot be had by a service that is called `default`, as your own key is: give the service another name";
  const doubled = "is the name under which its own key of the gateway comes: rename the secret";
  return [
    ...(member.name === "default" ? [memberProblem(member, ["gateway_key"], named)] : []),
    ...(secrets.includes(gatewayKeyName) ? [memberProblem(member, ["secrets"], doubled)] : []),
  ];
}
