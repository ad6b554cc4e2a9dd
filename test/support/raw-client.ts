/** A client that writes bytes as they are, and what it reads. */
import { createConnection } from "node:net";

/** Sends the pieces one after the other and returns everything that comes back until the gateway hangs up. */
export function sendRaw(url: string, ...pieces: readonly (string | Buffer)[]): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = createConnection({ host: hostname, port: Number(port), noDelay: true });
    let text = "";
    socket.on("data", (data) => (text += data.toString("latin1")));
    socket.on("error", () => {});
    socket.once("close", () => resolve(text));
    for (const piece of pieces) socket.write(piece, "latin1");
  });
}

/** One answer as it was read. */
export type RawAnswer = Readonly<{ status: number; head: string; body: string }>;

/** The answers in a text, one after the other; throws when there is anything between or behind them. */
export function answersIn(text: string): RawAnswer[] {
  const answers: RawAnswer[] = [];
  for (let rest = text; rest !== "";) {
    const [head] = /^HTTP\/1\.1 \d{3} [^]*?\r\n\r\n/.exec(rest) ?? [];
    if (head === undefined) throw new Error(`This is no answer: ${rest}`);
    const status = Number(head.slice(9, 12));
    const length = Number(/^content-length: (\d+)\r$/im.exec(head)?.[1] ?? 0);
    const body = rest.slice(head.length, head.length + length);
    if (body.length < length) throw new Error(`This answer is cut: ${rest}`);
    answers.push({ status, head, body });
    rest = rest.slice(head.length + length);
  }
  return answers;
}
