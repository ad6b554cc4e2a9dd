/** A value that nobody may read by accident: not in a message, not in JSON, not in a log. */
import { inspect } from "node:util";
import { hash } from "node:crypto";

const shown = "[secret]";

/** Holds a secret; whatever prints it prints `[secret]`. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The secret itself, for the one place that needs it. */
  reveal(): string {
    return this.#value;
  }

  /** `sha256:<hex>`: the form in which the gateway keeps keys. */
  digest(): string {
    return `sha256:${hash("sha256", this.#value)}`;
  }

  toString(): string {
    return shown;
  }

  toJSON(): string {
    return shown;
  }

  [inspect.custom](): string {
    return shown;
  }
}
