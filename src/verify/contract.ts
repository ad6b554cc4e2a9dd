/** The three documents of the contract. */
import type { z } from "zod";
import { metadataSchema, readinessSchema } from "../gateway/contract.ts";
import { failed, type Finding, notClaimed, passed, skipped, type Verdict } from "./finding.ts";
import type { Scene } from "./scene.ts";
import { isRecord } from "../stack/record.ts";
import { type Answer, jsonIn, type Silence, told } from "./visit.ts";

/** `/health` does nothing but answer; the way there and back is not its fault. */
const promptMs = 1_000;
const readyzMs = 5_000;

/** A row for each document; `/readyz` as it was answered at this moment. */
export async function examineContract(
  scene: Scene,
  readyz: Answer | Silence,
): Promise<readonly Finding[]> {
  const { visit } = scene;
  const [health, descriptor] = await Promise.all([
    visit({ method: "GET", path: "/health", timeoutMs: readyzMs }),
    visit({ method: "GET", path: "/v1/descriptor" }),
  ]);
  const rows: Readonly<Record<string, Verdict>> = {
    health: judgeHealth(health, scene),
    readyz: scene.subject.native ? judgeReadyz(readyz) : judgeProbe(readyz, scene),
    metadata: judgeDocument(scene.metadataAnswer, scene),
    "service.name": judgeName(scene),
    descriptor: judgeDescriptor(descriptor),
  };
  return Object.entries(rows).map(([check, verdict]) => ({ group: "contract", check, ...verdict }));
}

function judgeHealth(seen: Answer | Silence, { native }: Scene): Verdict {
  if (seen.kind === "silence")
    return (native ? failed : notClaimed)(`GET /health got no answer: ${seen.why}`);
  if (seen.status === 404) return notClaimed("It has no /health.");
  if (seen.status !== 200)
    return (native ? failed : notClaimed)(`It has to answer 200 while it lives: ${told(seen)}`);
  return seen.tookMs <= promptMs
    ? passed(`200 in ${seen.tookMs} ms.`)
    : failed(`It took ${seen.tookMs} ms: /health must ask nobody else.`);
}

/** Whether the answer is one that the contract knows: 200 or 503, with a body that says the same. */
export function judgeReadyz(seen: Answer | Silence): Verdict {
  if (seen.kind === "silence") return failed(`GET /readyz got no answer: ${seen.why}`);
  const { status } = seen;
  if (status !== 200 && status !== 503)
    return failed(`It has to answer 200 or 503, and nothing else: ${told(seen)}`);
  const read = readinessSchema.safeParse(jsonIn(seen));
  if (!read.success) return failed(`The body is not as it should be: ${problems(read.error)}`);
  if (read.data.ready !== undefined && read.data.ready !== (status === 200))
    return failed(
      `The status is ${status}, and the body says \`ready: ${String(read.data.ready)}\`.`,
    );
  return passed(`${status}, ${read.data.status}.`);
}

/** Other people's software: only that its probe is answered. */
function judgeProbe(seen: Answer | Silence, { subject }: Scene): Verdict {
  const { path } = subject.probe;
  return seen.kind === "silence"
    ? failed(`Its probe, GET ${path}, got no answer: ${seen.why}`)
    : notClaimed(`It is asked at ${path}, which answered ${seen.status}.`);
}

function judgeDocument(seen: Answer | Silence, { native }: Scene): Verdict {
  const isThere = seen.kind === "answer" && seen.status === 200;
  if (!isThere) {
    const isMissing = seen.kind === "answer" && seen.status === 404;
    if (isMissing || !native) return notClaimed("It has no /v1/metadata.");
    return failed(`GET /v1/metadata: ${told(seen)}`);
  }
  const document = jsonIn(seen);
  if (!isRecord(document) && !native) return notClaimed("It has no /v1/metadata.");
  const read = metadataSchema.safeParse(document);
  if (read.success) return passed("Every field is as the schema has it.");
  return failed(problems(read.error));
}

/** Every problem, each with its place. */
function problems(error: z.ZodError): string {
  return error.issues
    .map(({ path, message }) => (path.length === 0 ? message : `${path.join(".")}: ${message}`))
    .join("; ");
}

function judgeName({ metadata, subject }: Scene): Verdict {
  if (metadata === undefined) return notClaimed("It has no metadata that could be read.");
  const { name } = metadata.service;
  if (subject.name === undefined)
    return skipped(`It calls itself ${name}; give --name to say what it has to be.`);
  return name === subject.name
    ? passed(`It calls itself ${name}.`)
    : failed(`It calls itself ${name}, and its name is ${subject.name}: pass SERVICE_NAME in.`);
}

function judgeDescriptor(seen: Answer | Silence): Verdict {
  if (seen.kind === "silence" || seen.status !== 200 || !isRecord(jsonIn(seen)))
    return notClaimed("It has no /v1/descriptor.");
  const read = metadataSchema.safeParse(jsonIn(seen));
  return read.success
    ? passed("Every field is as the schema has it.")
    : failed(problems(read.error));
}
