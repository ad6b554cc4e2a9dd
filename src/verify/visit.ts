/** The port through which a service is asked: whoever implements it decides how the service is reached. */

/** One request. */
export type Question = Readonly<{
  method: "GET" | "POST" | "PUT" | "DELETE";
  /** From the service's root, with a slash in front. */
  path: string;
  headers?: Readonly<Record<string, string>>;
  body?: string | Buffer;
  /** Milliseconds after which an answer that is not complete counts as none; 60 seconds when left out. */
  timeoutMs?: number;
}>;

/** A complete answer. */
export type Answer = Readonly<{
  kind: "answer";
  status: number;
  /** By lower-case name. */
  headers: Readonly<Record<string, string>>;
  body: Buffer;
  /** Milliseconds after the request at which each piece of the body arrived. */
  arrivals: readonly number[];
  tookMs: number;
}>;

/** No answer, or one that broke off. */
export type Silence = Readonly<{ kind: "silence"; why: string }>;

/** Asks the service; never rejects for what the service does. */
export type Visit = (question: Question) => Promise<Answer | Silence>;

/** More than any answer to what is asked here has, in bytes: one that goes on and on must not fill the memory. */
export const longestAnswer = 64 * 1024 * 1024;

/** Why an answer that is longer counts as none. */
export const endless = `more than ${longestAnswer / 1024 ** 2} MiB, and no end`;

/** How long an answer may take when the question does not say, in milliseconds. */
export const usualTimeoutMs = 60_000;

/** Asks with a JSON body. */
export function askJson(
  visit: Visit,
  path: string,
  body: unknown,
  timeoutMs?: number,
): Promise<Answer | Silence> {
  return visit({
    method: "POST",
    path,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
}

/** The body as JSON; undefined when it is none. */
export function jsonIn({ body }: Pick<Answer, "body">): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
}

/** Status and the beginning of the body, or why there is no answer: for sentences that say what came back. */
export function told(seen: Answer | Silence): string {
  if (seen.kind === "silence") return seen.why;
  const text = seen.body.toString("utf8").replaceAll(/\s+/g, " ").trim();
  const isText = /json|text|xml/.test(seen.headers["content-type"] ?? "text");
  const excerpt = text.length > 120 ? `${text.slice(0, 120)}…` : text;
  return isText && excerpt !== "" ? `${seen.status}: ${excerpt}` : String(seen.status);
}
