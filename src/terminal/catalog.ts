/** The catalog as a table. Pure. */
import { table } from "./table.ts";
import type { Theme } from "./theme.ts";

/** What is shown of a template. */
export type CatalogRow = Readonly<{ id: string; provides: readonly string[]; description: string }>;

/** One line per template. */
export function formatCatalog(
  templates: readonly CatalogRow[],
  { theme, width }: Readonly<{ theme: Theme; width?: number | undefined }>,
): string {
  const rows = table(
    templates,
    [
      { title: "TEMPLATE", value: ({ id }) => id, paint: () => theme.strong },
      { title: "PROVIDES", value: ({ provides }) => provides.join(" ") },
      { title: "WHAT IT IS FOR", value: ({ description }) => description, shrink: true },
    ],
    { theme, width },
  );
  return `${rows}\n\n${theme.dim("nexus catalog <id> shows one; nexus add service <id> adds it to the stack.")}`;
}
