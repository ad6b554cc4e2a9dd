/** Networks of a Docker engine. */
import type Docker from "dockerode";
import { z } from "zod";
import type { NetworkRequest, Networks } from "../engine.ts";
import { AddressPoolError, NameTakenError } from "../errors/conflict.ts";
import type { DockerClient } from "./client.ts";
import { isRefusal } from "./failure.ts";
import { ownerOf, stackLabel } from "./labels.ts";
import { listNetworks, unlessMissing } from "./observe.ts";
import { subnetCandidates } from "./subnets.ts";

/** The answer to a create (Engine API 1.41). */
const created = z.object({ Id: z.string() });

const poolsExhausted = /non-overlapping IPv4 address pool|predefined address pools/i;
const rangeTaken = /pool overlaps/i;
const exists = /already exists|name is already used|already used/i;

/** An internal network still leads to this machine, and to every proxy on it, unless its bridge has no address there. */
const withoutHost = { "com.docker.network.bridge.inhibit_ipv4": "true" };

/** Networks through dockerode. */
export class DockerNetworks implements Networks {
  readonly #client: DockerClient;

  constructor(client: DockerClient) {
    this.#client = client;
  }

  async create(request: NetworkRequest): Promise<string> {
    const { name, stack } = request;
    if ((await this.#named(name)).every(({ Labels }) => Labels?.[stackLabel] !== stack)) {
      await this.#refuseForeign(request);
      await this.#post(request);
    }
    // Engines below API 1.44 give two networks the same name when asked for them at once.
    const [kept, ...others] = await this.#byPreference(await this.#named(name), stack);
    if (kept === undefined) return this.create(request);
    await Promise.all(others.map(async ({ Id }) => this.remove(Id)));
    return kept.Id;
  }

  async #refuseForeign({ name }: NetworkRequest): Promise<void> {
    const [foreign] = await this.#named(name);
    if (foreign === undefined) return;
    const owner = ownerOf(foreign.Labels ?? {});
    throw new NameTakenError("network", name, {
      id: foreign.Id,
      createdAt: foreign.Created,
      ...(owner === undefined ? {} : { owner }),
    });
  }

  // Those with containers first, then the oldest: two processes that merge at once choose the same.
  async #byPreference(
    networks: readonly Docker.NetworkInspectInfo[],
    stack: string,
  ): Promise<readonly Docker.NetworkInspectInfo[]> {
    const ours = networks.filter(({ Labels }) => Labels?.[stackLabel] === stack);
    if (ours.length < 2) return ours;
    const inspected = await Promise.all(ours.map(async ({ Id }) => this.#inspect(Id)));
    return inspected
      .filter((network) => network !== undefined)
      .toSorted(
        (a, b) =>
          Number(isUsed(b)) - Number(isUsed(a)) ||
          a.Created.localeCompare(b.Created) ||
          a.Id.localeCompare(b.Id),
      );
  }

  async #inspect(id: string): Promise<Docker.NetworkInspectInfo | undefined> {
    return unlessMissing(
      this.#client.read(
        `inspect network ${id}`,
        async (docker): Promise<Docker.NetworkInspectInfo> => docker.getNetwork(id).inspect(),
      ),
    );
  }

  async #named(name: string): Promise<readonly Docker.NetworkInspectInfo[]> {
    const listed = await listNetworks(this.#client, { name: [name] });
    return listed.filter(({ Name }) => Name === name);
  }

  async #post(request: NetworkRequest): Promise<void> {
    try {
      await this.#postWith(request);
    } catch (error) {
      if (isRefusal(error, 409, exists) || isRefusal(error, 500, exists)) return;
      if (![400, 403, 404, 500].some((status) => isRefusal(error, status, poolsExhausted)))
        throw error;
      await this.#postInOwnRange(request, error);
    }
  }

  async #postInOwnRange(request: NetworkRequest, cause: unknown): Promise<void> {
    const used = (await listNetworks(this.#client)).flatMap(({ IPAM }) =>
      (IPAM?.Config ?? []).map(({ Subnet }) => Subnet ?? ""),
    );
    const candidates = subnetCandidates(request.name, used);
    for (const subnet of candidates) {
      if (await this.#fits(request, subnet)) return;
    }
    throw new AddressPoolError(request.name, candidates.length, cause);
  }

  async #fits(request: NetworkRequest, subnet: string): Promise<boolean> {
    try {
      await this.#postWith(request, subnet);
      return true;
    } catch (error) {
      if ([400, 403, 500].some((status) => isRefusal(error, status, rangeTaken))) return false;
      throw error;
    }
  }

  async #postWith({ name, stack, internal }: NetworkRequest, subnet?: string): Promise<string> {
    const body = {
      Name: name,
      Driver: "bridge",
      Internal: internal,
      ...(internal ? { Options: withoutHost } : {}),
      CheckDuplicate: true,
      Labels: { [stackLabel]: stack },
      ...(subnet === undefined ? {} : { IPAM: { Config: [{ Subnet: subnet }] } }),
    };
    const answer = await this.#client.dial(`create network ${name}`, {
      path: "/networks/create?",
      method: "POST",
      options: { _query: {}, _body: body },
      statusCodes: { 200: true, 201: true },
    });
    return created.parse(answer).Id;
  }

  async connect(network: string, container: string, aliases: readonly string[]): Promise<void> {
    const body = { Container: container, EndpointConfig: { Aliases: [...aliases] } };
    await this.#unless(
      this.#client.write(`connect ${container} to a network`, async (docker) =>
        docker.getNetwork(network).connect(body),
      ),
      /endpoint with name .* already exists|already (?:connected|attached)/i,
    );
  }

  async disconnect(network: string, container: string): Promise<void> {
    await this.#unless(
      this.#client.write(`disconnect ${container} from a network`, async (docker) =>
        docker.getNetwork(network).disconnect({ Container: container }),
      ),
      /is not connected|no such (?:container|network)|network \S+ not found/i,
    );
  }

  async #unless(call: Promise<unknown>, alreadySo: RegExp): Promise<void> {
    try {
      await call;
    } catch (error) {
      if (![403, 404, 409, 500].some((status) => isRefusal(error, status, alreadySo))) throw error;
    }
  }

  async remove(id: string): Promise<"removed" | "in-use"> {
    try {
      await this.#client.write(`remove network ${id}`, async (docker) =>
        docker.getNetwork(id).remove(),
      );
      return "removed";
    } catch (error) {
      if (isRefusal(error, 404)) return "removed";
      if (
        isRefusal(error, 403) ||
        isRefusal(error, 409) ||
        isRefusal(error, 500, /in use|associated containers/i)
      )
        return "in-use";
      throw error;
    }
  }
}

const isUsed = ({ Containers }: Docker.NetworkInspectInfo): boolean =>
  Object.keys(Containers ?? {}).length > 0;
