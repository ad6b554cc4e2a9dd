/** Long output on stdout: no faster than its reader, and ended quietly when the reader leaves. */
import { once } from "node:events";

/** Writes lines as they come; resolves when they end, or when the reader has gone (`| head`). */
export async function printLines(
  lines: AsyncIterable<string>,
  stream: NodeJS.WritableStream = process.stdout,
): Promise<void> {
  const left = Promise.withResolvers<"left">();
  const onError = (error: Error): void => {
    if ("code" in error && error.code === "EPIPE") left.resolve("left");
    else left.reject(error);
  };
  stream.on("error", onError);
  try {
    await Promise.race([copy(lines, stream), left.promise]);
  } finally {
    stream.off("error", onError);
  }
}

async function copy(lines: AsyncIterable<string>, stream: NodeJS.WritableStream): Promise<void> {
  for await (const line of lines) if (!stream.write(`${line}\n`)) await once(stream, "drain");
}

/** A signal that Ctrl-C and SIGTERM trip: the quiet end of a command that only looks. */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  const stop = (): void => {
    controller.abort();
  };
  process.once("SIGINT", stop).once("SIGTERM", stop);
  return controller.signal;
}
