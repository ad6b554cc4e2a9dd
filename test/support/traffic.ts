/** Clients of a running stack: streams that must not break, requests that must all be answered, peers that call peers. */
import OpenAI from "openai";
import { containersOf, type StackFolder } from "./cli.ts";

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

/** Sends request after request until stopped; at least one is sent after `stop` was called. */
export function keepAsking(
  send: () => Promise<string>,
): Readonly<{ stop: () => Promise<Answers> }> {
  const given: string[] = [];
  const failures: string[] = [];
  const stopping = new AbortController();
  const loop = async (): Promise<void> => {
    const isLast = stopping.signal.aborted;
    await send().then(
      (answer) => given.push(answer),
      (error: unknown) => failures.push(String(error)),
    );
    if (!isLast) await loop();
  };
  const running = loop();
  return {
    stop: async () => {
      stopping.abort();
      await running;
      return { given, failures };
    },
  };
}

/** The newest running container of a service, asked directly: the bed's networks can be reached from the tests. */
export async function askContainer(
  stack: StackFolder,
  service: string,
  path: string,
  init: RequestInit = {},
): Promise<string> {
  const running = (await containersOf(stack.name, service)).filter(({ State }) => State.Running);
  const [network] = Object.values(running.at(-1)?.NetworkSettings.Networks ?? {});
  const answer = await fetch(`http://${network?.IPAddress}:9000${path}`, init);
  if (!answer.ok) throw new Error(`${service}${path}: ${answer.status} ${await answer.text()}`);
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
