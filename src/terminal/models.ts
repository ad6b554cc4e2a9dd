/** Models as a table. Pure. */
import type { ServiceModel } from "../apply/model-stores.ts";
import { table } from "./table.ts";
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
      { title: "SERVICE", value: ({ service }) => service },
      { title: "MODEL", value: ({ model }) => model, paint: () => theme.strong, shrink: true },
      {
        title: "STATE",
        value: ({ present }) => (present ? "✔ present" : "✘ missing"),
        paint: ({ present }) => (present ? theme.good : theme.bad),
      },
      {
        title: "SIZE",
        value: ({ sizeBytes }) => (sizeBytes ? formatBytes(sizeBytes) : ""),
        align: "right",
      },
      { title: "AGE", value: ({ modifiedAt }) => formatAge(modifiedAt ?? "", nowMs) },
      {
        title: "",
        value: ({ declared }) => (declared ? "in nexus.yaml" : ""),
        paint: () => theme.dim,
      },
    ],
    { theme, width },
  );
}
