/** What clients of the old gateway met there and meet otherwise here. Pure. */
import type { FoundGateway, FoundRouting } from "../inventory.ts";
import type { Decision } from "../migration-plan.ts";
import type { Found } from "../reading.ts";
import type { PlannedAlias } from "./planned-alias.ts";
import type { Scene, Told } from "./scene.ts";

/** What has to be told to whoever keeps the clients; nothing where there was no gateway. */
export function oldClientsTold(aliases: readonly PlannedAlias[], { inventory }: Scene): Told {
  const { gateway, routing } = inventory;
  if (!gateway) return {};
  const names = new Set(aliases.map(({ name }) => name));
  return {
    decisions: withoutName(names, gateway),
    warnings: [
      ...unknownNames(gateway, routing),
      {
        value:
          "The headers X-Backend, X-Request-Type and X-Memory-* mean nothing to this gateway: clients that sent `X-Backend: ollama` send the model `ollama`, or `ollama:<model>`.",
        at: gateway.at,
      },
      ...settingsTold(gateway),
    ],
  };
}

/** The old gateway took no name for `auto`; ours takes it for `default`. */
function withoutName(names: ReadonlySet<string>, { at }: FoundGateway): readonly Decision[] {
  if (!names.has("auto") || !names.has("default")) return [];
  return [
    {
      id: "no-model",
      question:
        "What shall requests get that name no model? The old gateway took them for `auto`, this one takes them for `default`.",
      assumed: "the alias `default`",
      otherwise: "have these clients send the model `auto`",
      at,
    },
  ];
}

/** With its policy on, whatever was asked for was answered by `fast`, with nobody told. */
function unknownNames(gateway: FoundGateway, { policy }: FoundRouting): readonly Found<string>[] {
  if (policy?.value === false) return [];
  return [
    {
      value:
        "The old gateway answered any model name that it did not know by `fast`; this one says 404, model_not_found. Clients send a name that `GET /v1/models` lists, or `auto`.",
      at: policy?.at ?? gateway.at,
    },
  ];
}

/** Settings that people rely on, and what holds in their place. */
const meanings: ReadonlyMap<string, string> = new Map([
  [
    "PUBLIC_BASE_URL",
    "is not needed: answers hold no address of the gateway. Clients that used it go on where name, port and certificate stay the same",
  ],
  [
    "TRUST_PROXY_CIDRS",
    "has no equal: this gateway believes no X-Forwarded-For. Behind a proxy, lists of addresses hold for the proxy, so let that one hold them for clients",
  ],
  [
    "UI_IP_ALLOWLIST",
    "has no equal: there are no pages to guard. What holds for keys, `allowed_ips`, comes along",
  ],
  ["UI_TRUST_PROXY_CIDRS", "has no equal: there are no pages to guard"],
  ["OBSERVABILITY_ENABLED", "has no equal: health and metrics are always there, on 127.0.0.1 only"],
]);

function settingsTold({ carried, metrics, requestLog }: FoundGateway): readonly Found<string>[] {
  const meant = Object.entries(carried).flatMap(([key, { at }]) => {
    const name = key.split(".").at(-1) ?? key;
    const meaning = meanings.get(name);
    return meaning === undefined ? [] : [{ value: `${name} ${meaning}.`, at }];
  });
  const off =
    metrics?.value === false
      ? [
          {
            value:
              "METRICS_ENABLED was off, and has no equal: metrics are always there, at `observability_port` of 127.0.0.1 only.",
            at: metrics.at,
          },
        ]
      : [];
  const logged = requestLog?.value
    ? [
        {
          value:
            "REQUEST_LOG_ENABLED has no equal: `nexus usage` has who used how much of what, and `otlp` of the stack file sends traces to a collector.",
          at: requestLog.at,
        },
      ]
    : [];
  return [...meant, ...off, ...logged];
}
