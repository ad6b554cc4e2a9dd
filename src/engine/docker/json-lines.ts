/** The engine's streams of JSON: one document a line. */
import { LineSplitter } from "./lines.ts";

/** Parses each line; lines that are not JSON are left out, because the engine writes none. */
export async function* readJsonLines(source: AsyncIterable<Buffer>): AsyncGenerator {
  const splitter = new LineSplitter({ cut: false });
  for await (const chunk of source) for (const line of splitter.push(chunk)) yield* parse(line);
  for (const line of splitter.end()) yield* parse(line);
}

function* parse(line: string): Generator {
  if (line.trim() === "") return;
  try {
    yield JSON.parse(line);
  } catch {
    // Half a line, because the engine stopped in the middle of it: the reader sees that the stream ended early.
  }
}
