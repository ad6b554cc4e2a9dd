/** Models as a table. Pure. */
import type { Removal, ServiceModel } from "../apply/model-stores.ts";
import { isSpare, tellUses } from "../apply/model-uses.ts";
import { type Column, table } from "./table.ts";
import type { Theme } from "./theme.ts";
import { formatAge, formatBytes } from "./units.ts";

/** The models of a stack, those that are missing marked as such. */
export function formatModels(
  models: readonly ServiceModel[],
  { theme, nowMs, width }: Readonly<{ theme: Theme; nowMs: number; width?: number | undefined }>,
): string {
  if (models.length === 0)
    return "There are no models. Fetch one with `nexus models pull <model>`.";
  return table(
    models,
    [
      { title: "SERVICE", value: ({ service, alsoIn = [] }) => [service, ...alsoIn].join(", ") },
      { title: "MODEL", value: ({ model }) => model, paint: () => theme.strong, shrink: true },
      {
        title: "STATE",
        value: ({ present }) => stateOf(present),
        paint: ({ present }) => paintOf(present, theme),
      },
      {
        title: "SIZE",
        value: ({ sizeBytes }) => (sizeBytes ? formatBytes(sizeBytes) : ""),
        align: "right",
      },
      { title: "AGE", value: ({ modifiedAt }) => formatAge(modifiedAt ?? "", nowMs) },
      {
        title: "USED BY",
        value: ({ declared, aliases }) =>
          [...(declared ? ["nexus.yaml"] : []), ...aliases.map((alias) => `alias ${alias}`)].join(
            ", ",
          ),
        paint: () => theme.dim,
      },
      ...(models.some(({ sharedVolume }) => sharedVolume !== undefined)
        ? [sharedColumn(theme)]
        : []),
    ],
    { theme, width },
  );
}

/** Nobody can say it of software that has no list of its models. */
function stateOf(present: ServiceModel["present"]): string {
  if (present === null) return "· asked for";
  return present ? "✔ present" : "✘ missing";
}

function paintOf(present: ServiceModel["present"], theme: Theme): Theme["good"] {
  if (present === null) return theme.dim;
  return present ? theme.good : theme.bad;
}

function sharedColumn(theme: Theme): Column<ServiceModel> {
  return {
    title: "SHARED VOLUME",
    value: ({ sharedVolume = "" }) => sharedVolume,
    paint: () => theme.dim,
  };
}

/** The question before a model is removed: how much it is, and who will miss it. */
export function removalQuestion({ service, model, sizeBytes, uses, ...removal }: Removal): string {
  const size = sizeBytes ? ` (${formatBytes(sizeBytes)})` : "";
  const missed = isSpare(uses) ? "" : `It is needed: ${tellUses(uses)}. `;
  const { sharedVolume } = removal;
  const shared =
    sharedVolume === undefined
      ? ""
      : `Other stacks may use it in the volume ${sharedVolume}, too. `;
  return `${missed}${shared}Remove ${model}${size} from ${service}? Having it again means fetching it again.`;
}

/** What the removal frees, as a sentence with a space before it; empty where the store does not tell sizes. */
export function formatFreed({ sizeBytes }: Removal): string {
  return sizeBytes ? ` That frees up to ${formatBytes(sizeBytes)}.` : "";
}
