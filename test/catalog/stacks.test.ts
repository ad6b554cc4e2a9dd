import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { readStacks } from "../../src/catalog/stacks.ts";
import type { Machine } from "../../src/catalog/machine.ts";
import { NexusError } from "../../src/errors.ts";
import { planOn } from "./planned.ts";
import { amd, machineWith, nvidia } from "./templates.ts";

const machines: Readonly<Record<string, Machine>> = {
  "CPU, amd64": machineWith(),
  "CPU, arm64": machineWith([], "arm64"),
  "NVIDIA 8 GiB": machineWith([nvidia("RTX 4060", "8.9", 8)]),
  "NVIDIA 24 GiB": machineWith([nvidia("RTX 4090", "8.9", 24)]),
  "NVIDIA 24 GiB, old driver": machineWith([nvidia("RTX 4090", "8.9", 24, "550.54.15")]),
  "two NVIDIA 24 GiB": machineWith([nvidia("RTX 4090", "8.9", 24), nvidia("RTX 3090", "8.6", 24)]),
  "AMD 24 GiB": machineWith([amd("RX 7900 XTX", 24)]),
};

/** By service: its variant and its GPUs, or CPU; or why the stack is refused. */
async function fare(file: string, machine: Machine): Promise<string> {
  try {
    const { choices, plan, stack } = await planOn(file, machine);
    const containers = new Map(
      plan.actions.flatMap((action) =>
        action.kind === "create" ? [[action.service, action.container] as const] : [],
      ),
    );
    return choices
      .map(({ service, choice }) => {
        const container = containers.get(service);
        const variant = choice.kind === "chosen" ? (choice.variant?.name ?? "any") : "–";
        if (container?.gpus) return `${service} ${variant} on GPU`;
        const held = stack.services.find(({ name }) => name === service);
        const isOther = held !== undefined && "withoutGpu" in held;
        return `${service} ${variant}${isOther ? ` → ${container?.image ?? "nothing"} on CPU` : ""}`;
      })
      .join(", ");
  } catch (error) {
    if (error instanceof NexusError) return `refused: ${error.message}`;
    throw error;
  }
}

const stacks = await readStacks();

describe.each(stacks)("the stack $id", ({ id }) => {
  const file = new URL(`../../stacks/${id}/nexus.yaml`, import.meta.url).pathname;

  test("is planned, or refused with its reason, on every kind of machine", async () => {
    const fares = Object.entries(machines).map(
      async ([name, machine]) => `${name}: ${await fare(file, machine)}`,
    );
    await expect(`${(await Promise.all(fares)).join("\n")}\n`).toMatchFileSnapshot(
      `golden-stacks/${id}.txt`,
    );
  });

  test("explains itself", async () => {
    const text = await readFile(file, "utf8");
    expect(text.match(/^ *# /gm)?.length).toBeGreaterThanOrEqual(4);
  });
});
