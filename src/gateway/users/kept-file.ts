/** A JSON file that is replaced as a whole, and changes that follow one another. */
import { rename } from "node:fs/promises";
import { readJsonFile, writeJsonFile } from "../json-file.ts";

/** One file of the gateway's volume. */
export class KeptFile {
  readonly #path: string;
  /** The file holds what this gateway cannot read, perhaps a newer one's. */
  #unread = false;
  #writing: Promise<unknown> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
  }

  /** What `parse` makes of the file; undefined when there is none. What cannot be read is told to `onUnread`, and moved out of the way by the first write. */
  async read<Content>(
    parse: (document: unknown) => Content,
    onUnread: (error: unknown) => void,
  ): Promise<Content | undefined> {
    try {
      const document = await readJsonFile(this.#path);
      return document === undefined ? undefined : parse(document);
    } catch (error) {
      this.#unread = true;
      onUnread(error);
      return undefined;
    }
  }

  /** Runs once everything before it is over, whatever became of that: each change sees what the one before it left. */
  inTurn<Result>(change: () => Promise<Result>): Promise<Result> {
    const turn = this.#writing.then(change);
    this.#writing = turn.catch(() => {});
    return turn;
  }

  /** Replaces the file; to be called in turn. */
  async write(content: unknown): Promise<void> {
    if (this.#unread) await rename(this.#path, `${this.#path}.unread-${Date.now()}`);
    this.#unread = false;
    await writeJsonFile(this.#path, content);
  }
}
