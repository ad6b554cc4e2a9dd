/** What Grafana is provisioned with: files in its folders, with variables of the environment in them. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

/** Where queries go. */
export type DataSource = Readonly<{
  name: string;
  uid: string;
  type: string;
  url: string;
  isDefault: boolean;
  jsonData?: Readonly<{ timeInterval?: string }>;
}>;

/** One query of a panel. */
export type Target = Readonly<{
  refId: string;
  expr: string;
  legendFormat: string;
  datasource: Readonly<{ uid: string }>;
}>;

/** A rectangle of a dashboard; its place is in columns (24 of them) and rows. */
export type Panel = Readonly<{
  title: string;
  type: string;
  gridPos: Readonly<{ x: number; y: number; w: number; h: number }>;
  fieldConfig: Readonly<{ defaults: Readonly<{ unit: string }> }>;
  targets: readonly Target[];
}>;

/** A dashboard as its JSON has it. */
export type Dashboard = Readonly<{ uid: string; title: string; panels: readonly Panel[] }>;

/** The data sources and dashboards below a provisioning folder, such as /etc/grafana/provisioning. */
export function readProvisioning(
  folder: string,
): Readonly<{ sources: readonly DataSource[]; dashboards: readonly Dashboard[] }> {
  const sources = files(join(folder, "datasources/*.yaml")).flatMap(
    (file) => (readYaml(file) as { datasources?: readonly DataSource[] }).datasources ?? [],
  );
  const providers = files(join(folder, "dashboards/*.yaml")).flatMap(
    (file) =>
      (readYaml(file) as { providers?: readonly { options: { path: string } }[] }).providers ?? [],
  );
  const dashboards = providers.flatMap(({ options }) =>
    files(join(options.path, "*.json")).map(
      (file) => JSON.parse(readFileSync(file, "utf8")) as Dashboard,
    ),
  );
  return { sources, dashboards };
}

const files = (pattern: string): readonly string[] => globSync(pattern).toSorted();

/** `$NAME` and `${NAME}` in any text are variables; `$$` is a dollar. */
function readYaml(file: string): unknown {
  const text = readFileSync(file, "utf8");
  const filled = text.replace(/\$(?:\$|\{(\w+)\}|(\w+))/g, (whole, braced, bare) =>
    whole === "$$" ? "$" : (process.env[String(braced ?? bare)] ?? ""),
  );
  return parse(filled);
}
