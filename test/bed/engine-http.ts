/** The few Engine API calls that the bed itself makes, straight over the unix socket. */
import { request } from "node:http";

/** An answer of the Engine API, read to its end. */
export type EngineAnswer = Readonly<{ status: number; text: string }>;

/** One call of the Engine API; rejects only when the engine cannot be reached within `timeoutMs`. */
export async function callEngine(
  socketPath: string,
  call: Readonly<{ method?: string; path: string; body?: unknown; timeoutMs?: number }>,
): Promise<EngineAnswer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        socketPath,
        method: call.method ?? "GET",
        path: call.path,
        headers: { host: "engine", "content-type": "application/json" },
        timeout: call.timeoutMs ?? 60_000,
      },
      (incoming) => {
        let text = "";
        incoming.setEncoding("utf8");
        incoming.on("data", (chunk: string) => (text += chunk));
        incoming.on("end", () => resolve({ status: incoming.statusCode ?? 0, text }));
        incoming.on("error", reject);
      },
    );
    outgoing.on("timeout", () => outgoing.destroy(new Error(`${call.path} took too long`)));
    outgoing.on("error", reject);
    outgoing.end(call.body === undefined ? undefined : JSON.stringify(call.body));
  });
}

/** True when the engine answers its ping. */
export async function engineAnswers(socketPath: string): Promise<boolean> {
  try {
    return (await callEngine(socketPath, { path: "/_ping", timeoutMs: 2000 })).status === 200;
  } catch {
    return false;
  }
}

/** Removes an image from the engine, so that the next use of it is a real pull; fine when it is not there. */
export async function forgetImage(socketPath: string, reference: string): Promise<void> {
  await callEngine(socketPath, {
    method: "DELETE",
    path: `/images/${encodeURIComponent(reference)}?force=true`,
  });
}

/** Removes every container of an engine at once; fine when the engine does not answer. */
export async function removeContainers(socketPath: string): Promise<void> {
  if (!(await engineAnswers(socketPath))) return;
  const { text } = await callEngine(socketPath, { path: "/containers/json?all=true" });
  const ids = [...text.matchAll(/"Id":"([0-9a-f]{64})"/g)].map(([, id]) => id);
  await Promise.all(
    ids.map(async (id) =>
      callEngine(socketPath, { method: "DELETE", path: `/containers/${id}?force=true&v=true` }),
    ),
  );
}
