/** Addresses of containers, asked without a thread: the process's own lookups wait in a pool of four. */
import { Resolver } from "node:dns";
import type { LookupFunction } from "node:net";

/** Answers of the engine's resolver take no time; a name that it does not have it may look for elsewhere, in vain. */
const patience = { timeout: 500, tries: 2 } as const;

/** Whether a host is named like a container: no dot, and not this machine itself. */
export function isContainerName(host: string): boolean {
  return host !== "localhost" && !/[.:[]/.test(host);
}

/** For `net.connect`: the addresses of a container. A name that nobody has fails within seconds and blocks nothing. */
export const lookupContainer: LookupFunction = (host, options, callback) => {
  const resolver = new Resolver(patience);
  const answer = (family: 4 | 6, addresses: readonly string[]) => {
    if (options.all)
      callback(
        null,
        addresses.map((address) => ({ address, family })),
      );
    else callback(null, addresses[0] ?? "", family);
  };
  resolver.resolve4(host, (error, four) => {
    if (!error) return answer(4, four);
    if (error.code !== "ENODATA") return callback(error, "");
    resolver.resolve6(host, (none, six) => (none ? callback(none, "") : answer(6, six)));
  });
};
