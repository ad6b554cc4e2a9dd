/** What the commands that make and change keys have in common. */
import { Errors, Flags } from "@oclif/core";
import { expiryAfter, type KeyChanges, type KeyScope } from "./apply/keys.ts";
import type { KeyLimits } from "./gateway/protocol.ts";

/** The flags that limit a key; `least` is the smallest number that each takes, and `hint` is said of each. */
export function limitFlags(least: 0 | 1, hint = "") {
  const limit = (what: string) =>
    Flags.integer({ min: least, max: Number.MAX_SAFE_INTEGER, description: `${what}${hint}.` });
  return {
    rpm: limit("Requests it may send in a minute"),
    tpm: limit("Tokens it may use in a minute, of prompts and answers together"),
    "tokens-per-day": limit("Tokens it may use in a day (UTC)"),
  };
}

type LimitValues = Readonly<{
  rpm?: number | undefined;
  tpm?: number | undefined;
  "tokens-per-day"?: number | undefined;
}>;

/** The numbers of those flags under the names that the gateway knows. */
export function limitsAsked(
  flags: LimitValues,
): Readonly<Record<keyof KeyLimits, number | undefined>> {
  return {
    requests_per_minute: flags.rpm,
    tokens_per_minute: flags.tpm,
    tokens_per_day: flags["tokens-per-day"],
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
      expires?: string | undefined;
    }>,
  now: Date,
): KeyChanges {
  const { scope, model, expires } = flags;
  const limits = Object.entries(limitsAsked(flags)).filter(([, limit]) => limit !== undefined);
  return {
    ...(scope && { scopes: scopesAsked(scope) }),
    ...(model && { models: modelsAsked(model) ?? null }),
    ...(expires !== undefined && {
      expires_at: expires === "never" ? null : expiryAfter(expires, now),
    }),
    ...(limits.length > 0 && {
      limits: Object.fromEntries(limits.map(([name, limit]) => [name, limit === 0 ? null : limit])),
    }),
  };
}
