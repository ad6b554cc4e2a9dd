/** Clients of a running stack: streams that must not break, requests that must all be answered, peers that call peers. */
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import OpenAI from "openai";
import { containersOf, type Inspected, type StackFolder } from "./cli.ts";

/** The official client, without retries: every failure is seen. */
export function clientOf(stack: StackFolder): OpenAI {
  return new OpenAI({ baseURL: `${stack.api}/v1`, apiKey: stack.key(), maxRetries: 0 });
}

/** A stream under way: `received` grows; `finished` resolves with the finish reason once the client saw the end. */
export type OpenStream = Readonly<{
  received: readonly string[];
  finished: Promise<string | undefined>;
  isOpen: () => boolean;
  /** Hangs up. */
  close: () => void;
}>;

/** Starts a streamed chat completion and resolves once its first word has come. */
export async function openStream(stack: StackFolder, model: string): Promise<OpenStream> {
  const answer = await clientOf(stack).chat.completions.create({
    ...question(model),
    stream: true,
  });
  const received: string[] = [];
  const first = Promise.withResolvers<undefined>();
  let open = true;
  const read = async (): Promise<string | undefined> => {
    let reason: string | undefined;
    for await (const { choices } of answer) {
      if (choices[0]?.delta.content) received.push(choices[0].delta.content);
      reason = choices[0]?.finish_reason ?? reason;
      first.resolve(undefined);
    }
    return reason;
  };
  const finished = read().finally(() => (open = false));
  finished.catch((error: unknown) => first.reject(error));
  await first.promise;
  return { received, finished, isOpen: () => open, close: () => answer.controller.abort() };
}

/** The text of a whole event stream, as it came over the wire. */
export async function rawStream(stack: StackFolder, model: string): Promise<string> {
  const answer = await fetch(`${stack.api}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${stack.key()}`, "content-type": "application/json" },
    body: JSON.stringify({ ...question(model), stream: true }),
  });
  return answer.text();
}

/** One chat completion that is not streamed: the answer's words. */
export async function ask(stack: StackFolder, model: string): Promise<string> {
  const answer = await clientOf(stack).chat.completions.create(question(model));
  return answer.choices[0]?.message.content ?? "";
}

/** What became of requests sent one after the other. */
export type Answers = Readonly<{ given: readonly string[]; failures: readonly string[] }>;

/** A client that asks and asks until it is stopped, or disposed of by a test that failed. */
export type Asking = Readonly<{ stop: () => Promise<Answers> }> & AsyncDisposable;

/** Sends request after request until stopped; at least one is sent after `stop` was called. */
export function keepAsking(send: () => Promise<string>): Asking {
  const given: string[] = [];
  const failures: string[] = [];
  const stopping = new AbortController();
  const once = async (): Promise<void> => {
    await send().then(
      (answer) => given.push(answer),
      (error: unknown) => failures.push(String(error)),
    );
  };
  const loop = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await once();
      await delay(10, undefined);
    }
    await once();
  };
  const running = loop();
  const stop = async (): Promise<Answers> => {
    stopping.abort();
    await running;
    return { given, failures };
  };
  return { stop, [Symbol.asyncDispose]: async () => void (await stop()) };
}

/** A service on port 9000 whose streams the test ends: see held-stream.ts. */
export const heldStream = {
  port: 9000,
  provides: ["chat"],
  entrypoint: ["node", "/held-stream.ts"],
  volumes: [`${fileURLToPath(new URL("held-stream.ts", import.meta.url))}:/held-stream.ts:ro`],
};

/** Whether an endless stream goes on, and its words came whole and in order. */
export function isUnbroken({ received, isOpen }: OpenStream): boolean {
  const words = received.slice(1);
  return isOpen() && words.every((word, index) => word === ` word${index + 1}`);
}

/** The newest running container of a service, asked directly: the bed's networks can be reached from the tests. */
export async function askContainer(
  stack: StackFolder,
  service: string,
  path: string,
  init: RequestInit = {},
): Promise<string> {
  const running = (await containersOf(stack.name, service)).filter(({ State }) => State.Running);
  return askAt(running.at(-1), path, init);
}

/** One container, asked directly. */
export async function askAt(
  container: Inspected | undefined,
  path: string,
  init: RequestInit = {},
): Promise<string> {
  const [network] = Object.values(container?.NetworkSettings.Networks ?? {});
  const answer = await fetch(`http://${network?.IPAddress}:9000${path}`, init);
  if (!answer.ok)
    throw new Error(`${container?.Name}${path}: ${answer.status} ${await answer.text()}`);
  return answer.text();
}

/** What `service` is answered when it fetches a URL from where it runs. */
export async function fetchFrom(
  stack: StackFolder,
  service: string,
  url: string,
): Promise<Readonly<{ status: number; text: string }>> {
  const path = `/fetch?url=${encodeURIComponent(url)}`;
  return JSON.parse(await askContainer(stack, service, path)) as { status: number; text: string };
}

function question(model: string) {
  return { model, messages: [{ role: "user" as const, content: "hello" }] };
}
