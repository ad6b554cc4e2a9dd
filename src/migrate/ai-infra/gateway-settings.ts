/** What the settings say of the old gateway itself. Pure. */
import type { FoundGateway } from "../inventory.ts";
import { argument } from "../read/argument.ts";
import type { NotUnderstood, Place } from "../reading.ts";
import { type Address, parsePort } from "./address.ts";
import { noCommand, type Job } from "./job.ts";
import {
  kept,
  listSetting,
  numberSetting,
  setting,
  switchSetting,
  type Settings,
} from "./settings.ts";

/** Settings that something here reads. */
const used = new RegExp(
  "^(?:GATEWAY_(?:HOST|PORT|BEARER_TOKENS?|TOKEN_POLICIES_JSON|TLS_(?:CERT|KEY)_PATH)" +
    "|OBSERVABILITY_(?:HOST|PORT)|MAX_REQUEST_BYTES|IP_ALLOWLIST|METRICS_ENABLED|REQUEST_LOG_ENABLED|DEFAULT_BACKEND" +
    "|ROUTER_ENABLE_POLICY|ROUTER_LONG_CONTEXT_CHARS|(?:OLLAMA|MLX|VLLM)_MODEL_(?:DEFAULT|STRONG|FAST)" +
    "|EMBEDDINGS_(?:BACKEND|MODEL)|MODEL_ALIASES_(?:JSON|PATH)|(?:MEMORY|USER)_DB_PATH" +
    "|(?!PUBLIC_)[A-Z0-9_]*_BASE_URL)$",
);

/** Beginnings of settings that the old gateway knew, with what they are about. */
const subjects: readonly (readonly [beginning: RegExp, subject: string])[] = [
  [/^(?:MEMORY|EMBEDDINGS)_/, "memory"],
  [/^TOOLS_/, "tools"],
  [/^AGENT_/, "agents"],
  [/^(?:UI|USER|PUBLIC)_/, "ui"],
  [/^IMAGES_/, "images"],
  [/^(?:HEARTMULA|MUSIC)_/, "music"],
  [/^(?:TTS|POCKET_TTS|LUXTTS|QWEN3_TTS|VOICE_LIBRARY|PERSONAPLEX)_/, "speech"],
  [/^(?:SKYREELS|FYC|LIGHTON_OCR|SDXL_TURBO)_/, "media"],
  [/^(?:ROUTER|MODEL_ALIASES|BACKEND|DISABLED|HEALTH_CHECK|DEFAULT|OLLAMA|MLX|VLLM)_/, "routing"],
  [
    /^(?:GATEWAY|OBSERVABILITY|METRICS|REQUEST_LOG|MAX_REQUEST|IP_ALLOWLIST|TRUST_PROXY|COORDINATOR|ETCD)_/,
    "gateway",
  ],
];

/** What is settled by the settings, and by the job that starts it: its options win. */
export function gatewayOf(
  settings: Settings,
  job: Job | undefined,
  at: Place,
): Omit<FoundGateway, "tls" | "unit"> {
  const observability = addressOf(settings, "OBSERVABILITY", { address: "127.0.0.1", port: 8801 });
  const maxRequestBytes = numberSetting(settings, "MAX_REQUEST_BYTES");
  const ipAllowlist = listSetting(settings, "IP_ALLOWLIST");
  const metrics = switchSetting(settings, "METRICS_ENABLED");
  const requestLog = switchSetting(settings, "REQUEST_LOG_ENABLED");
  return {
    host: at.host,
    at,
    listens: listensOf(settings, job),
    observability,
    ...(maxRequestBytes && { maxRequestBytes }),
    ...(ipAllowlist && { ipAllowlist }),
    ...(metrics && { metrics }),
    ...(requestLog && { requestLog }),
    carried: carriedOf(settings),
  };
}

function listensOf(settings: Settings, job: Job | undefined): Address {
  const said = addressOf(settings, "GATEWAY", { address: "0.0.0.0", port: 8800 });
  const address = argument(job ?? noCommand, "--host");
  const port = parsePort(argument(job ?? noCommand, "--port") ?? "");
  return { address: address ?? said.address, port: port ?? said.port };
}

function addressOf(settings: Settings, prefix: string, byDefault: Address): Address {
  return {
    address: setting(settings, `${prefix}_HOST`)?.value ?? byDefault.address,
    port: parsePort(setting(settings, `${prefix}_PORT`)?.value ?? "") ?? byDefault.port,
  };
}

function carriedOf(settings: Settings): FoundGateway["carried"] {
  const carried = [...settings].flatMap(([name, found]) => {
    const subject = subjectOf(name);
    return subject === undefined || found.value === ""
      ? []
      : [[`${subject}.${name}`, kept(name, found)] as const];
  });
  return Object.fromEntries(carried);
}

/** What a setting is about that the old gateway knew and nothing here reads. */
function subjectOf(name: string): string | undefined {
  if (used.test(name)) return undefined;
  return subjects.find(([beginning]) => beginning.test(name))?.[1];
}

/** Settings of its file that the old gateway did not know either. What is no usual name may be the rest of a secret that was broken into lines. */
export function unknownSettings(settings: Settings): readonly NotUnderstood[] {
  return [...settings].flatMap(([name, { at }]) =>
    used.test(name) || subjectOf(name) !== undefined
      ? []
      : [
          {
            at,
            what: /^[A-Z_][A-Z0-9_]*$/.test(name) ? name : `line ${at.line ?? 0}`,
            why: "is no setting that the old gateway knew.",
          },
        ],
  );
}
