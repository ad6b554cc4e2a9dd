/** What the commands that make and change keys have in common. */
import { Errors, Flags } from "@oclif/core";
import { expiryAfter, type KeyChanges, type KeyScope } from "./apply/keys.ts";
import { isAddressRange, type KeyLimits } from "./gateway/protocol.ts";
import { parseBytes } from "./stack/quantities.ts";

/** The flags that limit a key; `least` is the smallest number that each takes, and `hint` is said of each. */
export function limitFlags(least: 0 | 1, hint = "") {
  const limit = (what: string) =>
    Flags.integer({ min: least, max: Number.MAX_SAFE_INTEGER, description: `${what}${hint}.` });
  return {
    rpm: limit("Requests it may send in a minute"),
    tpm: limit("Tokens it may use in a minute, of prompts and answers together"),
    "tokens-per-day": limit("Tokens it may use in a day (UTC)"),
    "max-request-bytes": sizeFlag(least, `Largest body of a request, such as 1MiB${hint}.`),
  };
}

function sizeFlag(least: 0 | 1, description: string) {
  return Flags.custom<number>({
    description,
    helpValue: "<size>",
    parse: async (text) => {
      const bytes = parseBytes(text);
      if (bytes !== undefined && bytes >= least && Number.isSafeInteger(bytes)) return bytes;
      throw new Errors.CLIError(`Expected a size such as 1MiB or 65536 but received: ${text}`);
    },
  })();
}

/** Takes an address or a range; `how` says what naming one does, and `others` are words that it takes too. */
export function addressFlag(how: string, ...others: readonly string[]) {
  return Flags.string({
    description: how,
    multiple: true,
    helpValue: "<address>",
    parse: async (text) => {
      if (isAddressRange(text) || others.includes(text)) return text;
      const asked = "Expected an address or a range such as 10.0.0.0/8 or ::1";
      throw new Errors.CLIError(`${asked} but received: ${text}`);
    },
  });
}

/** What is said when a key gets a list of addresses that its gateway cannot keep. */
export const unseenAddresses =
  "Warning: behind this engine the gateway cannot see where requests come from, and refuses this key everywhere. Set `gateway.host` to 127.0.0.1 in the stack file and run `nexus up`, or see docs/DEPLOYMENT.md.";

/** The addresses that `--allow-ip` names; undefined for every one, which is what `all` says. */
export function addressesAsked(
  texts: readonly string[] | undefined,
): readonly string[] | undefined {
  return texts?.includes("all") ? undefined : texts;
}

type LimitValues = Readonly<{
  rpm?: number | undefined;
  tpm?: number | undefined;
  "tokens-per-day"?: number | undefined;
  "max-request-bytes"?: number | undefined;
}>;

/** The numbers of those flags under the names that the gateway knows. */
export function limitsAsked(
  flags: LimitValues,
): Readonly<Record<keyof KeyLimits, number | undefined>> {
  return {
    requests_per_minute: flags.rpm,
    tokens_per_minute: flags.tpm,
    tokens_per_day: flags["tokens-per-day"],
    max_request_bytes: flags["max-request-bytes"],
  };
}

/** The scopes among texts. */
export function scopesAsked(texts: readonly string[]): readonly KeyScope[] {
  return texts.filter((text): text is KeyScope => text === "inference" || text === "admin");
}

/** The models that `--model` names; undefined for every one, which is what `all` says. */
export function modelsAsked(names: readonly string[] | undefined): readonly string[] | undefined {
  return names?.includes("all") ? undefined : names;
}

/** Takes the name of a model; `how` says what naming one does. */
export function modelFlag(how: string) {
  return Flags.string({
    description: how,
    multiple: true,
    parse: async (name) => {
      if (name.trim() === "")
        throw new Errors.CLIError("Expected the name of a model but received none");
      return name;
    },
  });
}

/** What the flags of an edit ask for. Throws InvalidExpiryError. */
export function changesAsked(
  flags: LimitValues &
    Readonly<{
      scope?: readonly string[] | undefined;
      model?: readonly string[] | undefined;
      "allow-ip"?: readonly string[] | undefined;
      expires?: string | undefined;
    }>,
  now: Date,
): KeyChanges {
  const { scope, model, expires, "allow-ip": addresses } = flags;
  const limits = Object.entries(limitsAsked(flags)).filter(([, limit]) => limit !== undefined);
  return {
    ...(scope && { scopes: scopesAsked(scope) }),
    ...(model && { models: modelsAsked(model) ?? null }),
    ...(addresses && { allowed_ips: addressesAsked(addresses) ?? null }),
    ...(expires !== undefined && {
      expires_at: expires === "never" ? null : expiryAfter(expires, now),
    }),
    ...(limits.length > 0 && {
      limits: Object.fromEntries(limits.map(([name, limit]) => [name, limit === 0 ? null : limit])),
    }),
  };
}
