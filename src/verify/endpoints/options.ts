/** The form of `ui.options`: that it makes sense, and that its fields are taken by the endpoint they are for. */
import { failed, type Finding, notClaimed, passed, skipped, type Verdict } from "../finding.ts";
import type { Scene } from "../scene.ts";
import type { UiOption } from "../subject.ts";
import { isRecord } from "../../stack/record.ts";
import { askJson, told } from "../visit.ts";
import { examOf, meansFor } from "./examine.ts";
import { slowMs } from "./exam.ts";
import { sampleOf } from "./own.ts";

/** One row for the whole form. */
export async function examineOptions(scene: Scene): Promise<Finding> {
  return { group: "endpoints", check: "ui.options", ...(await judgeForm(scene)) };
}

async function judgeForm(scene: Scene): Promise<Verdict> {
  const options = scene.metadata?.ui?.options ?? [];
  if (options.length === 0) return notClaimed("Its metadata offers no form.");
  const nonsense = options.flatMap(contradictionIn);
  if (nonsense.length > 0) return failed(nonsense.join(" "));
  const target = targetOf(scene, options);
  if (target === undefined)
    return skipped("No endpoint that takes JSON names these fields in its `request_schema`.");
  const values = Object.fromEntries(options.map((option) => [option.key, valueOf(option)]));
  const seen = await askJson(scene.visit, target.path, { ...target.body, ...values }, slowMs);
  const fields = options.map(({ key }) => key).join(", ");
  return seen.kind === "answer" && seen.status < 300
    ? passed(`POST ${target.path} takes ${fields}.`)
    : failed(`POST ${target.path} with ${fields} at their defaults answered ${told(seen)}`);
}

function contradictionIn(option: UiOption): readonly string[] {
  const { key, type, values = [], default: usual } = option;
  if (type !== "enum") return contradictionInRange(option);
  if (values.length === 0) return [`\`${key}\` is an enum without values.`];
  const isOne = usual === undefined || values.includes(usual);
  return isOne ? [] : [`The default of \`${key}\` is none of its values.`];
}

function contradictionInRange({ key, default: usual, ...range }: UiOption): readonly string[] {
  const { min = -Infinity, max = Infinity } = range;
  if (min > max) return [`\`${key}\` has a min above its max.`];
  const isWithin = typeof usual !== "number" || (usual >= min && usual <= max);
  return isWithin ? [] : [`The default of \`${key}\` is outside of min and max.`];
}

function valueOf({ type, values, default: usual, min }: UiOption): unknown {
  const simple = { string: "", number: 1, integer: 1, boolean: false, enum: "", json: {} };
  return usual ?? values?.[0] ?? min ?? simple[type];
}

type Target = Readonly<{ path: string; body: object }>;

/** The endpoint whose schema names the fields, else the first that is claimed and takes JSON. */
function targetOf(scene: Scene, options: readonly UiOption[]): Target | undefined {
  const { claims, subject } = scene;
  const own = claims.own.find(
    ({ method, request_schema: schema }) =>
      method === "POST" && options.every(({ key }) => propertiesOf(schema).has(key)),
  );
  if (own) return { path: own.path, body: Object(sampleOf(own.request_schema)) as object };
  for (const { check, path } of claims.known) {
    const [means] = meansFor(scene, check);
    const body = means && examOf(check)?.body(means);
    if (body && !(body instanceof FormData)) return { path: subject.apiPath + path, body };
  }
  return undefined;
}

function propertiesOf(schema: unknown): ReadonlySet<string> {
  const properties = isRecord(schema) ? schema["properties"] : undefined;
  return new Set(isRecord(properties) ? Object.keys(properties) : []);
}
