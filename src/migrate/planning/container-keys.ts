/** The keys of a service that becomes a container: its template, and what of its settings has an equal there. Pure. */
import type { Template } from "../../catalog/template.ts";
import type { Found } from "../reading.ts";
import type { FoundService } from "../inventory.ts";
import type { PlannedService } from "../migration-plan.ts";
import { Secret } from "../secret.ts";

/** What a service from a template is written with. */
export type ContainerKeys = Readonly<{
  keys: Readonly<Record<string, unknown>>;
  settings: PlannedService["settings"];
  /** Where it speaks HTTP inside the stack. */
  port?: number;
}>;

/** The secret that templates read models behind a login with, and its names in old settings. */
export const modelToken = {
  name: "HF_TOKEN",
  settings: [
    "HF_TOKEN",
    "HUGGINGFACE_HUB_TOKEN",
    "HUGGING_FACE_HUB_TOKEN",
    "HUGGINGFACE_TOKEN",
  ] as readonly string[],
} as const;

/** The token of a service for models behind a login, where its template can use one. */
export function modelTokenOf(
  { settings }: FoundService,
  template: Template | undefined,
): Readonly<{ setting: string; found: Found<string | Secret> }> | undefined {
  if (!template?.secrets.some(({ name }) => name === modelToken.name)) return undefined;
  const setting = modelToken.settings.find((name) => settings[name]?.value instanceof Secret);
  const found = setting === undefined ? undefined : settings[setting];
  return setting !== undefined && found ? { setting, found } : undefined;
}

/** Works out the keys. */
export function containerKeys(found: FoundService, template: Template | undefined): ContainerKeys {
  const token = modelTokenOf(found, template);
  const environment = takenSettings(found, template);
  const secretPath = token && optionOf(template, `${modelToken.name}_PATH`);
  const all = {
    ...environment,
    ...(secretPath !== undefined && { [secretPath]: `/run/secrets/${modelToken.name}` }),
  };
  const taken = [...Object.keys(environment), ...(token ? [token.setting] : [])];
  const port = template?.service["port"];
  return {
    keys: {
      template: template?.id,
      ...(Object.keys(all).length > 0 && { environment: all }),
      ...(token && { secrets: [modelToken.name] }),
    },
    settings: {
      taken,
      // Where it listens is the stack's to say, and told with the service.
      left: Object.keys(found.settings).filter(
        (name) => !taken.includes(name) && !/_(?:HOST|PORT)$/.test(name),
      ),
    },
    ...(typeof port === "number" && { port }),
  };
}

function optionOf(template: Template | undefined, name: string): string | undefined {
  return template?.options.find((option) => option.name === name)?.name;
}

/** Settings that the template lists as its options; paths and addresses of the old host mean nothing in a container. */
function takenSettings(
  { settings }: FoundService,
  template: Template | undefined,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(settings).flatMap(([name, { value }]) => {
      const known = optionOf(template, name) !== undefined && !/_PATH$|_UID$|_URL$/.test(name);
      const plain = typeof value === "string" && value !== "" && !/^\/|:\/\//.test(value);
      return known && plain ? [[name, value]] : [];
    }),
  );
}
