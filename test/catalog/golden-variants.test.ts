import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readCatalog } from "../../src/catalog/catalog.ts";
import { type Choice, chooseVariant, type GpuWish } from "../../src/catalog/choose-variant.ts";
import type { Machine, MachineGpu } from "../../src/catalog/machine.ts";
import type { Template } from "../../src/catalog/template.ts";

const catalog = await readCatalog();

type Row = Readonly<Record<string, string>>;

/** The rows of golden-variants.md, by the headings of its columns. */
function goldenRows(): readonly Row[] {
  const lines = readFileSync(new URL("golden-variants.md", import.meta.url), "utf8")
    .split("\n")
    .filter((line) => line.startsWith("|"));
  const [headings = [], , ...rows] = lines.map(cellsOf);
  return rows.map((cells) => Object.fromEntries(headings.map((key, at) => [key, cells[at] ?? ""])));
}

function cellsOf(line: string): readonly string[] {
  return line
    .split("|")
    .slice(1, -1)
    .map((cell) => cell.trim());
}

const facts = ["machine", "vendor", "compute", "driver", "GiB", "architecture", "gpus"];

function machineOf(row: Row): Machine {
  const { vendor, GiB = "", architecture = "" } = row;
  const sizes = vendor === "nvidia" || vendor === "amd" ? GiB.split("+") : [];
  const gpus = sizes.map((size, at) => gpuOf(row, size.trim(), at));
  return { architecture, gpus };
}

/** `?` stands for what nobody tells. */
function gpuOf(
  { machine = "", vendor, compute, driver }: Row,
  size: string,
  at: number,
): MachineGpu {
  return {
    id: `GPU-${at}`,
    vendor: vendor === "amd" ? "amd" : "nvidia",
    name: machine,
    ...(size === "?" ? {} : { memoryBytes: Number(size) * 1024 ** 3 }),
    ...(isTold(compute) ? { compute } : {}),
    ...(isTold(driver) ? { driver } : {}),
  };
}

function isTold(fact: string | undefined): fact is string {
  return fact !== undefined && fact !== "" && fact !== "?";
}

function wishOf({ gpus }: Row): GpuWish {
  if (gpus === "none") return "none";
  return isTold(gpus) ? [gpus] : "any";
}

/** As the table writes it: the variant's name, or a dash where nothing fits. */
function shown(choice: Choice): string {
  return choice.kind === "chosen" ? (choice.variant?.name ?? "any") : "–";
}

describe("the golden table of variants", () => {
  const rows = goldenRows();
  const ids = Object.keys(rows[0] ?? {}).filter((heading) => !facts.includes(heading));

  test("has forty rows and more, and a column for every template that is chosen for a job", () => {
    expect(rows.length).toBeGreaterThanOrEqual(40);
    const chosen = catalog.filter((each) => each.variants.length > 0 && Object.keys(each.jobs)[0]);
    expect(chosen.map(({ id }) => id).filter((id) => !ids.includes(id))).toEqual([]);
  });

  test.each(rows)("$machine, driver $driver, $GiB GiB, $architecture, gpus $gpus", (row) => {
    const found = ids.map((id) => {
      const template = catalog.find((each) => each.id === id);
      if (!template) throw new Error(`there is no template ${id}`);
      return [id, shown(chooseVariant(template, machineOf(row), wishOf(row)))];
    });
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(ids.map((id) => [id, row[id]])));
  });
});

describe("any machine at all", () => {
  const fact = fc.oneof(
    fc.constantFrom("", "?", "N/A", "8", "8.9", "8.9.1", "580.65.06", "-1", "99999999999999999999"),
    fc.string({ maxLength: 8 }),
  );
  const anyGpu = fc.record(
    {
      id: fc.string({ minLength: 1 }),
      vendor: fc.constantFrom("nvidia", "amd", "intel", "moore threads") as fc.Arbitrary<"nvidia">,
      name: fc.string(),
      memoryBytes: fc.oneof(fc.double(), fc.integer()),
      compute: fact,
      driver: fact,
    },
    { requiredKeys: ["id", "vendor", "name"] },
  );
  const anyMachine = fc.record({
    architecture: fc.oneof(fc.constantFrom("amd64", "arm64", "riscv64", ""), fc.string()),
    gpus: fc.array(anyGpu, { maxLength: 4 }),
  });
  const anyWish = fc.oneof(fc.constantFrom("any" as const, "none" as const), fc.array(fc.string()));

  test("gets a variant or a refusal with a reason for each, and no GPU that its conditions do not hold for", () => {
    fc.assert(
      fc.property(anyMachine, anyWish, (machine, wish) => {
        for (const template of catalog) {
          const choice = chooseVariant(template, machine, wish);
          expect(isSound(choice, template)).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });
});

function isSound(choice: Choice, { variants }: Template): boolean {
  const isExplained = choice.considered.every(({ because }) => because !== "");
  if (choice.kind === "chosen")
    return isExplained && choice.gpus.length > 0 === (choice.variant?.when.vendor !== undefined);
  return isExplained && choice.considered.length === variants.length;
}
