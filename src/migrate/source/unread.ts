/** What a source could not read, each path once. */
import { posix } from "node:path";
import type { NotUnderstood } from "../reading.ts";

/** Remembers what was asked for and could not be had. */
export class Unread {
  readonly #host: string;
  readonly #notes = new Map<string, NotUnderstood>();
  readonly #lost = new Map<string, string>();

  constructor(host: string) {
    this.#host = host;
  }

  /** `why` is a clause: it becomes a sentence. */
  note(path: string, why: string): void {
    if (this.#notes.has(path)) return;
    const sentence = `${why.charAt(0).toUpperCase()}${why.slice(1)}.`;
    const at = { host: this.#host, file: path };
    this.#notes.set(path, { at, what: posix.basename(path), why: sentence });
  }

  /** Something that a copy would lack: no right to read it, a failing disk. */
  lose(path: string, why: string): void {
    this.#lost.set(path, why);
    this.note(path, why);
  }

  /** The first that was lost at or below a path. */
  lostBelow(path: string): Readonly<{ path: string; why: string }> | undefined {
    for (const [lost, why] of this.#lost)
      if (lost === path || lost.startsWith(`${path}/`)) return { path: lost, why };
    return undefined;
  }

  /** All of them, in the order in which they were met. */
  all(): readonly NotUnderstood[] {
    return [...this.#notes.values()];
  }
}
