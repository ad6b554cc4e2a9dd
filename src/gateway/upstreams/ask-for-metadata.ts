/** Asks a service what it says of itself. */
import { isRecord, parseJson } from "../json.ts";
import { ask, type Answer } from "./ask.ts";
import type { Backend } from "./backend.ts";
import { readMetadata, type ReadMetadata } from "./read-metadata.ts";

const longestBytes = 256 * 1024;

/** Reads the service's metadata, and its descriptor where it has one; undefined when it cannot be asked now. */
export async function askForMetadata(
  backend: Backend,
  timeoutMs: number,
): Promise<ReadMetadata | undefined> {
  const answer = await ask(backend, "/v1/metadata", { timeoutMs });
  if (answer.kind === "none") return undefined;
  const refusal = whyNone(answer);
  if (refusal) return refusal;
  const descriptor = await ask(backend, "/v1/descriptor", { timeoutMs });
  const more = descriptor.kind === "none" || whyNone(descriptor) ? {} : objectIn(descriptor.body);
  return readMetadata({ ...objectIn(answer.body), ...more });
}

/** Software without the contract answers something else at its path, a page perhaps: that is no fault of it. */
function whyNone({
  status,
  body,
}: Extract<Answer, { kind: "answered" }>): ReadMetadata | undefined {
  const none = (...problems: string[]) => ({ metadata: undefined, problems });
  if (status !== 200 || !/^\s*\{/.test(body.toString("utf8", 0, 256))) return none();
  if (body.length > longestBytes) return none(`It is larger than ${longestBytes / 1024} KiB.`);
  return isRecord(parseJson(body)) ? undefined : none("It is not JSON.");
}

function objectIn(body: Buffer): Record<string, unknown> {
  const document = parseJson(body);
  return isRecord(document) ? document : {};
}
