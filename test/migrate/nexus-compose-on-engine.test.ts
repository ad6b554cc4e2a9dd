import { join } from "node:path";
import { expect, test } from "vitest";
import type { ForeignContainer } from "../../src/engine/engine.ts";
import { ComposeNotFoundError } from "../../src/migrate/compose/find.ts";
import { prepareMigration } from "../../src/migrate/compose/migration.ts";
import {
  projectOnEngine,
  SeveralProjectsError,
} from "../../src/migrate/nexus-compose/on-engine.ts";
import { foreign, observedOf } from "../support/builders.ts";

const later = join(import.meta.dirname, "nexus-compose/later");

/** A stopped container of a service, as Compose makes it out of the ancestor's files. */
function made(service: string, files: readonly string[], directory = later): ForeignContainer {
  const compose = { project: "nexus", service, directory, files };
  return foreign(`nexus-${service}`, { running: false, compose });
}

test("the project's containers say where it lies, running or not", async () => {
  const files = ["gateway", "ollama"].map((part) => join(later, `docker-compose.${part}.yml`));
  const containers = [made("ollama", files.slice(1)), made("gateway", files.slice(0, 1))];
  const { conversion, file } = await prepareMigration({ from: "nexus-compose" }, {}, async () =>
    observedOf({ foreign: containers }),
  );
  expect(file).toBe(join(later, "nexus.yaml"));
  expect(conversion.services.map(({ name }) => name)).toEqual(["ollama"]);
});

test("several projects are told with a command for each, which a shell takes", () => {
  const containers = [
    made("ollama", ["/srv/it's/docker-compose.yml"], "/srv/it's"),
    made("gateway", ["/home/me/a.yml", "/home/me/b.yml"], "/home/me"),
  ];
  const choose = () => projectOnEngine(containers);
  expect(choose).toThrow(SeveralProjectsError);
  expect(choose).toThrow(
    expect.objectContaining({
      remedy:
        "Name one of them: `nexus migrate --from nexus-compose --source /home/me/a.yml --source /home/me/b.yml` or `nexus migrate --from nexus-compose --source '/srv/it'\\''s/docker-compose.yml'`.",
    }),
  );
});

test("containers of other projects, and of one that is called nexus, are not the ancestor's", async () => {
  const other = { project: "nexus", service: "web", directory: "/srv/web", files: [] };
  const containers = [foreign("nexus-web-1", { compose: other }), foreign("nexus-tts")];
  expect(projectOnEngine(containers)).toBeUndefined();
  await expect(
    prepareMigration({ from: "nexus-compose" }, {}, async () =>
      observedOf({ foreign: containers }),
    ),
  ).rejects.toThrow(ComposeNotFoundError);
});
