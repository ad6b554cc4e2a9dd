/** Images as bytes: some upstreams answer with an address of their own, which no client reaches, unless they are asked for base64. */
import type { Endpoint } from "../api/endpoints.ts";
import { invalidBody, type Failure } from "../api/failure.ts";
import type { Upstream } from "../config.ts";
import { parseJson } from "../json.ts";
import type { Candidate } from "../routing/route.ts";
import { eachMember } from "./body-scan.ts";
import type { Payload } from "./payload.ts";
import type { Edit } from "./splice.ts";

/** The candidates that can answer as the client wants it, and what those are told that have to be asked for bytes. */
type AskedForPictures = Readonly<
  | { kind: "ready"; candidates: readonly Candidate[]; edit?: Edit }
  | { kind: "refused"; failure: Failure }
>;

/** Whether an upstream has to be asked for images as bytes. */
export function sendsAddresses({ dialects }: Upstream): boolean {
  return dialects?.images === "b64_json";
}

/** Decides how a request for images is put; one that wants an address goes to those alone whose addresses are for clients. */
export function askForPictures(
  { path }: Endpoint,
  payload: Payload,
  candidates: readonly Candidate[],
): AskedForPictures {
  const others = candidates.filter(({ monitor }) => !sendsAddresses(monitor.upstream));
  if (path !== "/v1/images/generations" || others.length === candidates.length)
    return { kind: "ready", candidates };
  const body = payload.bodyFor(undefined, []);
  if (!Buffer.isBuffer(body)) return { kind: "ready", candidates };
  const { wantsAddress, edit } = wishIn(body);
  if (!wantsAddress) return { kind: "ready", candidates, ...(edit && { edit }) };
  return others.length > 0
    ? { kind: "ready", candidates: others }
    : { kind: "refused", failure: invalidBody(noAddress, "response_format") };
}

const noAddress =
  "`response_format` must be `b64_json`: the service would answer with an address that is reached from inside the stack only.";

const asBytes = '"b64_json"';

function wishIn(body: Buffer): Readonly<{ wantsAddress: boolean; edit?: Edit }> {
  let wantsAddress = false;
  let edit: Edit | undefined;
  let isNamed = false;
  let isEmpty = true;
  eachMember(body, (key, { start, end }) => {
    isEmpty = false;
    if (key.toLowerCase() !== "response_format") return;
    const value = parseJson(body.subarray(start, end));
    isNamed = true;
    if (value === null) edit = { start, end, value: asBytes };
    else if (value !== "b64_json") wantsAddress = true;
  });
  if (isNamed) return { wantsAddress, ...(edit && { edit }) };
  const first = body.indexOf("{") + 1;
  const value = `"response_format":${asBytes}${isEmpty ? "" : ","}`;
  return { wantsAddress, edit: { start: first, end: first, value } };
}
