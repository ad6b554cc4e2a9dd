/** Room for models: what several pulls have yet to fetch is added up and compared with what the engine's disk has free. */
import { GatewayRefusedError } from "./errors.ts";
import type { GatewayLink } from "./gateway-link.ts";

/** What is free where the engine keeps its volumes. */
type DiskSpace = Readonly<{ freeBytes: number; totalBytes: number }>;

/** Why a pull cannot go on, in bytes: what it has yet to fetch, what is free for it, and what is missing. */
export type Shortage = Readonly<{ neededBytes: number; freeBytes: number; missingBytes: number }>;

/** Kept free for everybody else: a full disk stops the engine and every service on it. */
const reserveBytes = 1024 ** 3;

/** On small disks the reserve is this part of them. */
const reserveShare = 0.05;

/** The claims of all pulls that are under way together. */
export class DiskBook {
  readonly #claims = new Map<object, number>();
  #turn: Promise<unknown> = Promise.resolve();

  /**
   * Claims room for what `claimant` has yet to fetch, unless it is not there. One after the other, so that of two
   * pulls that only fit alone the first one gets the room. A gateway that cannot tell lets everything pass.
   */
  claim(link: GatewayLink, claimant: object, bytes: number): Promise<Shortage | undefined> {
    const answer = this.#turn.then(async () => {
      const space = await readSpace(link);
      const shortage = space && this.#shortage(space, claimant, bytes);
      if (shortage === undefined) this.#claims.set(claimant, bytes);
      return shortage;
    });
    this.#turn = answer.catch(() => undefined);
    return answer;
  }

  /** What has been fetched by now is not free any more, and not to be claimed twice. */
  settle(claimant: object, bytes: number): void {
    if (this.#claims.has(claimant)) this.#claims.set(claimant, bytes);
  }

  /** The pull is over. */
  release(claimant: object): void {
    this.#claims.delete(claimant);
  }

  #shortage(space: DiskSpace, claimant: object, bytes: number): Shortage | undefined {
    const others = [...this.#claims].filter(([other]) => other !== claimant);
    const claimed = others.reduce((sum, [, claim]) => sum + claim, 0);
    const reserve = Math.min(reserveBytes, space.totalBytes * reserveShare);
    const freeBytes = Math.round(Math.max(0, space.freeBytes - claimed - reserve));
    const missingBytes = Math.max(bytes, 1) - freeBytes;
    return missingBytes > 0 ? { neededBytes: bytes, freeBytes, missingBytes } : undefined;
  }
}

/** Undefined where the gateway is one of an older Nexus. */
async function readSpace(link: GatewayLink): Promise<DiskSpace | undefined> {
  try {
    const { free_bytes: freeBytes, total_bytes: totalBytes } = await link.call({ op: "disk" });
    return { freeBytes, totalBytes };
  } catch (error) {
    if (error instanceof GatewayRefusedError) return undefined;
    throw error;
  }
}
