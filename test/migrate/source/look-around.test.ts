import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { ForeignContainer } from "../../../src/engine/engine.ts";
import { copiedTrees } from "../../../src/migrate/source/local.ts";
import { lookAround, type Proposal } from "../../../src/migrate/source/look-around.ts";
import { footprint } from "../../support/footprint.ts";

let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nexus-look-"));
  await put("etc/hostname");
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function put(path: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), "");
}

async function look(containers: readonly ForeignContainer[] = []): Promise<readonly Proposal[]> {
  const [tree] = await copiedTrees(folder);
  if (tree === undefined) throw new Error("no tree");
  const before = await footprint(folder);
  const proposals = await lookAround({ tree, home: "/home/me", folder: "/srv/it's", containers });
  expect(await footprint(folder)).toEqual(before);
  return proposals;
}

const container = (name: string, more: Partial<ForeignContainer> = {}): ForeignContainer => ({
  id: name,
  name,
  image: "x",
  running: true,
  createdAt: "",
  ports: [],
  volumes: [],
  ...more,
});

const ofAncestor = (service: string, more: Partial<ForeignContainer> = {}): ForeignContainer =>
  container(`nexus-${service}`, {
    compose: { project: "nexus", service, directory: "/srv/nexus", files: [] },
    ...more,
  });

it("where there is nothing, nothing is proposed", async () => {
  await put("home/me/notes.yaml");
  expect(await look([container("web")])).toEqual([]);
});

it("an installation comes before projects, and each proposal is a command that only looks", async () => {
  await put("var/lib/gateway/app/.env");
  await put("etc/systemd/system/ollama.service");
  await put("Library/LaunchDaemons/com.ai.gateway.plist");
  await put("var/lib/invokeai/invokeai.env");
  await put("home/me/ai/ai-infra/hosts.yaml");
  await put("srv/it's/compose.yaml");
  await put("home/me/nexus/docker-compose.gateway.yml");
  await put("home/me/.harbor/.env");
  const proposals = await look([ofAncestor("ollama")]);
  expect(proposals.map(({ kind, where }) => `${kind} ${where}`)).toEqual([
    "ai-infra /",
    "compose /srv/it's",
    "nexus-compose /home/me/nexus",
    "harbor /home/me/.harbor",
  ]);
  expect(proposals[0]?.why).toBe(
    "ai-infra's services are installed here: /var/lib/gateway/app/.env, /var/lib/invokeai, ollama.service and 1 more",
  );
  expect(proposals[1]?.command).toBe(
    String.raw`nexus migrate --from compose --source '/srv/it'\''s' --dry-run`,
  );
  expect(proposals.every(({ command }) => command.endsWith(" --dry-run"))).toBe(true);
});

it("a checkout alone is no installation: its hosts are to be named", async () => {
  await put("home/me/ai-infra/hosts.yaml");
  expect(await look()).toEqual([
    {
      kind: "ai-infra",
      where: "/home/me/ai-infra",
      why: "it describes hosts of ai-infra, whose settings are on those hosts: name each of them",
      command: "nexus migrate --from ai-infra --host NAME=ssh://USER@HOST --dry-run",
    },
  ]);
});

it("running containers of the ancestor are told, those that Nexus made are not", async () => {
  const ours = container("nexus-gateway-1", { service: "gateway" });
  const stopped = ofAncestor("tts", { running: false });
  const [proposal, ...others] = await look([ofAncestor("ollama"), ours, stopped]);
  expect(others).toEqual([]);
  expect(proposal).toMatchObject({ kind: "nexus-compose", where: "nexus-ollama" });
});
