/** Streams that must keep talking. */
import type { Readable } from "node:stream";
import { EngineSilentError } from "../errors/connection.ts";

/** Passes chunks on; throws EngineSilentError when none came for `silenceMs`, and closes the source in any case. */
export async function* withWatchdog(source: Readable, silenceMs: number): AsyncGenerator<Buffer> {
  const watch = () =>
    setTimeout(() => source.destroy(new EngineSilentError("deliver bytes", silenceMs)), silenceMs);
  let timer = watch();
  try {
    for await (const chunk of source) {
      // The consumer's own time does not count as silence.
      clearTimeout(timer);
      yield chunk as Buffer;
      timer = watch();
    }
  } finally {
    clearTimeout(timer);
    source.destroy();
  }
}
