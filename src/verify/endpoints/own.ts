/** Endpoints of a service's own: only their schema says what may be sent there. */
import type { OwnEndpoint } from "../claims.ts";
import { failed, passed, skipped, type Verdict } from "../finding.ts";
import { isRecord } from "../../stack/record.ts";
import { type Answer, type Question, type Silence, told, type Visit } from "../visit.ts";

const methods = ["GET", "POST", "PUT", "DELETE"] as const;

/** Asks as the schema says; without one, only whether there is such an endpoint. Nothing is ever deleted or replaced. */
export async function examineOwn(visit: Visit, endpoint: OwnEndpoint): Promise<Verdict> {
  const { method = "GET", path, request_schema: schema } = endpoint;
  const known = methods.find((each) => each === method);
  if (known === undefined) return skipped(`${method} is not asked.`);
  if (known === "DELETE" || known === "PUT") return skipped(`${method} would change something.`);
  const seen = await visit({ method: known, path, ...bodyFor(known, schema) });
  return judgeOwn(seen, known === "GET" || schema !== undefined);
}

function bodyFor(method: string, schema: OwnEndpoint["request_schema"]): Partial<Question> {
  if (method === "GET") return {};
  const headers = { "content-type": "application/json" };
  return { headers, body: JSON.stringify(schema === undefined ? {} : sampleOf(schema)) };
}

function judgeOwn(seen: Answer | Silence, isMeant: boolean): Verdict {
  if (seen.kind === "silence") return failed(`No answer: ${seen.why}`);
  const { status } = seen;
  if (status >= 200 && status < 300) return passed(`It answered ${status}.`);
  if ([404, 405, 501].includes(status))
    return failed(`Its metadata lists it, and it is not there: ${told(seen)}`);
  if (status >= 500) return failed(`It answered ${told(seen)}`);
  return isMeant
    ? failed(`It refused what its own \`request_schema\` asks for: ${told(seen)}`)
    : passed(
        `It is there: without a \`request_schema\`, an empty request was refused (${status}).`,
      );
}

/** The smallest value that a JSON Schema describes: examples and defaults first, then what is required. */
export function sampleOf(schema: unknown): unknown {
  if (!isRecord(schema)) return {};
  const { examples, default: usual, enum: values, const: only } = schema;
  if (only !== undefined) return only;
  if (Array.isArray(examples) && examples.length > 0) return examples[0];
  if (usual !== undefined) return usual;
  if (Array.isArray(values) && values.length > 0) return values[0];
  return sampleByType(schema);
}

function sampleByType(schema: Readonly<Record<string, unknown>>): unknown {
  switch ([schema["type"]].flat()[0]) {
    case "string":
      return "Hello.";
    case "integer":
    case "number":
      return typeof schema["minimum"] === "number" ? schema["minimum"] : 1;
    case "boolean":
      return true;
    case "array":
      return [sampleOf(schema["items"])];
    default:
      return sampleObject(schema);
  }
}

function sampleObject({ properties, required }: Readonly<Record<string, unknown>>): object {
  if (!isRecord(properties) || !Array.isArray(required)) return {};
  const keys = required.filter((key) => typeof key === "string");
  return Object.fromEntries(keys.map((key) => [key, sampleOf(properties[key])]));
}
