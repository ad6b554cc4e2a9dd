/** A conversation with a model: one question, or as many as the person has. */
import { createInterface } from "node:readline/promises";
import { type ApiAccess, askModel, type ChatMessage } from "../apply/gateway-api.ts";
import { NexusError } from "../errors.ts";
import { themeOf } from "./theme.ts";
import { printable } from "./width.ts";

/** Whom is talked to, and with what instruction. */
export type Conversation = Readonly<{
  access: ApiAccess;
  model: string;
  system?: string | undefined;
}>;

/** Asks one question; `write` gets the answer as it comes. Resolves with all of it. */
export async function askOnce(
  { access, model, system }: Conversation,
  question: string,
  write: (text: string) => void,
): Promise<string> {
  return answer(
    { access, model, messages: [...opening(system), { role: "user", content: question }] },
    write,
  );
}

/** Everything on stdin, when it is no terminal. */
export async function readQuestion(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString("utf8").trim();
}

/** Writes an answer to stdout, without anything that steers the terminal. */
export function writeAnswer(text: string): void {
  process.stdout.write(text.split("\n").map(printable).join("\n"));
}

/** Talks until Ctrl-D or an empty Ctrl-C; Ctrl-C during an answer ends that answer only. */
export async function converse({ access, model, system }: Conversation): Promise<undefined> {
  const theme = await themeOf(process.stderr);
  process.stderr.write(theme.dim(`Talking to ${model}. Ctrl-D ends it.\n`));
  const lines = createInterface({
    input: process.stdin,
    output: process.stderr,
    prompt: theme.accent("> "),
  });
  const messages: ChatMessage[] = opening(system);
  let answering: AbortController | undefined;
  lines.on("SIGINT", () => {
    if (answering === undefined) lines.close();
    else answering.abort();
  });
  lines.prompt();
  for await (const line of lines) {
    if (line.trim() !== "") {
      answering = new AbortController();
      messages.push({ role: "user", content: line });
      const content = await answerAloud({ access, model, messages }, answering.signal);
      messages.push({ role: "assistant", content });
      answering = undefined;
    }
    lines.prompt();
  }
  process.stderr.write("\n");
  return undefined;
}

function opening(system: string | undefined): ChatMessage[] {
  return system === undefined ? [] : [{ role: "system", content: system }];
}

type Turn = Readonly<{ access: ApiAccess; model: string; messages: readonly ChatMessage[] }>;

async function answer(
  { access, ...question }: Turn,
  write: (text: string) => void,
  signal?: AbortSignal,
): Promise<string> {
  const pieces: string[] = [];
  for await (const piece of askModel(access, question, signal)) {
    pieces.push(piece);
    write(piece);
  }
  return pieces.join("");
}

/** One turn of a conversation: a failure is told and the conversation goes on. */
async function answerAloud(turn: Turn, signal: AbortSignal): Promise<string> {
  try {
    return await answer(turn, writeAnswer, signal);
  } catch (error) {
    if (signal.aborted) return "";
    if (!(error instanceof NexusError)) throw error;
    process.stderr.write(`${error.message}\n${error.remedy}`);
    return "";
  } finally {
    process.stdout.write("\n");
  }
}
