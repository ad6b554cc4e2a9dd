/** The values of a stack as a Compose file writes them: what came from variables stays a variable. Pure. */
import type { Variables } from "../../stack/interpolate.ts";
import type { Origin } from "../../stack/origins.ts";

/** The origins with their values as Compose reads them back; what an env file held is no part of it. */
export function exportedValues(
  origins: readonly Origin[],
  variables: Variables,
): readonly Origin[] {
  return origins.map((origin) => ({ ...origin, value: written(origin, variables) }));
}

function written({ value, from, steps }: Origin, variables: Variables): unknown {
  if (typeof value !== "string") return value;
  if (isFromEnvFile(from, steps)) return `\${${String(steps[3])}}`;
  const names = [...from.matchAll(/(?:environment|\.env:\d+) (\w+)/g)].map(([, name = ""]) => name);
  const text = withVariables(value, names, variables);
  return steps[2] === "tmpfs" ? text.replace(/([:,]size=\d+)([KMG])iB/, "$1$2") : text;
}

/** Whether neither the stack file, a template nor a variable said it. */
function isFromEnvFile(from: string, [section, , key]: Origin["steps"]): boolean {
  const known = /^(?:default|template .*|environment .*|\.env:.*|.*\.ya?ml:\d+(?:, .*)?)$/.test(
    from,
  );
  return section === "services" && key === "environment" && !known;
}

/** Puts variables back where their values stand; a dollar that is meant as one is doubled. */
function withVariables(text: string, names: readonly string[], variables: Variables): string {
  const [name, ...others] = names;
  if (name === undefined) return text.replaceAll("$", () => "$$");
  const value = variables.get(name)?.value ?? "";
  if (value === "") return withVariables(text, others, variables);
  return text
    .split(value)
    .map((part) => withVariables(part, others, variables))
    .join(`\${${name}}`);
}
