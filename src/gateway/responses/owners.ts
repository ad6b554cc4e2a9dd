/** Who made which response: responses are kept by services, which know nothing of keys. */

const mostRemembered = 50_000;

/** Remembers the services and the keys of the newest responses, up to a number; what is forgotten is found no more. */
export class ResponseOwners {
  readonly #services = new Map<string, string>();
  readonly #most: number;

  constructor(most = mostRemembered) {
    this.#most = most;
  }

  /** Notes that a service made a response for a key. */
  remember(key: string, responseId: string, service: string): void {
    const name = nameOf(key, responseId);
    this.#services.delete(name);
    this.#services.set(name, service);
    if (this.#services.size <= this.#most) return;
    const [oldest] = this.#services.keys();
    if (oldest !== undefined) this.#services.delete(oldest);
  }

  /** The service that made a response for this key; undefined for another key's, too. */
  serviceOf(key: string, responseId: string): string | undefined {
    return this.#services.get(nameOf(key, responseId));
  }

  /** Forgets a response that is no more. */
  forget(key: string, responseId: string): void {
    this.#services.delete(nameOf(key, responseId));
  }
}

function nameOf(key: string, responseId: string): string {
  return `${key} ${responseId}`;
}
