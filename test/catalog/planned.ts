/** Plans services from templates as `nexus add service` and `nexus plan` would, on machines that are made up. */
import type { Catalog } from "../../src/catalog/catalog.ts";
import { chooseVariant } from "../../src/catalog/choose-variant.ts";
import type { Machine, MachineGpu } from "../../src/catalog/machine.ts";
import type { Template, Variant } from "../../src/catalog/template.ts";
import type { EngineDescription } from "../../src/engine/engine.ts";
import { planUp } from "../../src/plan/plan-up.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { additionOf, openQuestions } from "../../src/stack/added-service.ts";
import { readAssignments } from "../../src/stack/assignments.ts";
import { addService } from "../../src/stack/edit.ts";
import { type LoadedStack, loadStack } from "../../src/stack/load.ts";
import { folderOf } from "../stack/folder.ts";
import { engineDescription, upInput } from "../support/builders.ts";
import { machineWith } from "./templates.ts";

/** A stack as it was loaded, and its plan on the machine. */
export type Planned = LoadedStack & Readonly<{ plan: Plan }>;

/** Loads and plans a stack file on a machine. Rejects with what `nexus plan` would say. */
export async function planOn(file: string, machine: Machine): Promise<Planned> {
  const loaded = await loadStack({
    cwd: "/",
    environment: {},
    file,
    machine: async () => machine,
  });
  const names = loaded.stack.services.flatMap((service) =>
    service.kind === "container" ? service.secrets.map(({ name }) => name) : [],
  );
  const plan = planUp(
    upInput(loaded.stack, {
      engine: engineOf(machine),
      gpus: machine.gpus,
      secretDigests: Object.fromEntries(names.map((name) => [name, "digest"])),
    }),
  );
  return { ...loaded, plan };
}

/** Adds a template to an empty stack, with its companions and what it asks answered by its examples, and plans that. */
export async function planTemplate(
  template: Template,
  machine: Machine,
  catalog: Catalog,
): Promise<Planned> {
  const words = openQuestions(template, {}).map(({ key, example }) => `${key}=${example}`);
  const first = { name: template.id, keys: readAssignments(words) };
  const around = { catalog, machine, services: new Map() };
  const { services } = additionOf(template, first, around);
  const text = services.reduce((page, { name, spec }) => addService(page, name, spec), "name: t\n");
  await using folder = await folderOf({ "nexus.yaml": text });
  return await planOn(`${folder.path}/nexus.yaml`, machine);
}

function engineOf({ architecture, gpus }: Machine): EngineDescription {
  const gpuKinds = [...new Set(gpus.map(({ vendor }) => vendor))];
  return engineDescription({ architecture, gpuKinds });
}

/** A machine on which this variant is the one that is chosen; undefined when there is none. */
export function machineFor(template: Template, variant: Variant): Machine | undefined {
  return everyMachine().find((machine) => {
    const choice = chooseVariant(template, machine);
    return choice.kind === "chosen" && choice.variant === variant;
  });
}

const computes = [
  "5.0",
  "6.1",
  "7.0",
  "7.5",
  "8.0",
  "8.6",
  "8.7",
  "8.9",
  "9.0",
  "10.0",
  "12.0",
  "12.1",
];
const drivers = ["470.82.01", "525.60.13", "535.183.01", "550.54.15", "570.86.15", "580.65.06"];
const sizes = [24, 4, 8, 16, 48, 80, 192, 288];

/** Machines of every sort that variants tell apart. */
function everyMachine(): readonly Machine[] {
  return ["amd64", "arm64"].flatMap((architecture) => [
    machineWith([], architecture),
    ...sizes.map((size) => machineWith([gpuWith("amd", { size })], architecture)),
    ...sizes.flatMap((size) =>
      computes.flatMap((compute) =>
        drivers.map((driver) =>
          machineWith([gpuWith("nvidia", { size, compute, driver })], architecture),
        ),
      ),
    ),
  ]);
}

function gpuWith(
  vendor: "nvidia" | "amd",
  { size, ...facts }: Readonly<{ size: number; compute?: string; driver?: string }>,
): MachineGpu {
  const id = vendor === "nvidia" ? "GPU-1" : "/dev/dri/renderD128";
  return { id, vendor, name: `a GPU of ${vendor}`, memoryBytes: size * 1024 ** 3, ...facts };
}
