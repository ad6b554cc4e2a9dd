import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type AliasSpecs, cycleFrom, resolveAliases } from "../../src/stack/aliases.ts";
import { load, problemsOf } from "./folder.ts";

const none: ReadonlySet<string> = new Set();
const resolved = (aliases: AliasSpecs, models = none) => resolveAliases({ aliases, models });

describe("aliases", () => {
  test("of the stack file lead through other aliases, with everything that holds for those", async () => {
    const { stack } = await load(`
name: home
gateway:
  aliases:
    fast: { to: ollama/small, tools: false }
    default: { to: ollama/big, max_tokens: 4096 }
    long: ollama/long
    auto:
      to: fast
      when:
        - { tools: true, to: default }
        - { min_bytes: 40KiB, to: long }
    ollama:llama3.3:70b: ollama/llama3.3:70b
    mlx:org/Model-4bit: ollama/org/Model-4bit
services: { ollama: { image: "x:1" } }`);
    expect(stack.gateway).toMatchObject({
      aliases: {
        auto: ["ollama/small"],
        "ollama:llama3.3:70b": ["ollama/llama3.3:70b"],
        "mlx:org/Model-4bit": ["ollama/org/Model-4bit"],
      },
      aliasCaps: { default: { max_tokens: 4096 } },
      aliasRules: {
        auto: [
          { tools: true, to: ["ollama/big"], alias: "default", caps: { max_tokens: 4096 } },
          { min_bytes: 40_960, to: ["ollama/long"], alias: "long" },
        ],
      },
      aliasesWithoutTools: ["fast", "auto"],
    });
  });

  test("keep to the lower of two caps, and take no tools where either takes none", () => {
    const { aliasCaps, aliasRules } = resolved({
      outer: {
        to: ["inner"],
        when: [{ tools: true, to: ["inner"] }],
        max_tokens: 100,
        temperature: 1,
      },
      inner: { to: ["s/m"], max_tokens: 200, temperature: 0.5, tools: false },
    });
    const caps = { max_tokens: 100, temperature: 0.5 };
    expect(aliasCaps["outer"]).toEqual(caps);
    expect(aliasRules["outer"]).toEqual([
      { tools: true, to: ["s/m"], alias: "inner", caps, takes_tools: false },
    ]);
  });

  test("under conditions of conditions hold where both do", () => {
    const { aliasRules } = resolved({
      outer: { to: ["s/a"], when: [{ tools: true, min_bytes: 10, to: ["inner"] }] },
      inner: {
        to: ["s/b"],
        when: [
          { tools: false, to: ["s/never"] },
          { min_bytes: 5, to: ["s/c"] },
          { min_bytes: 20, to: ["s/d"] },
        ],
      },
    });
    expect(aliasRules["outer"]).toEqual([
      { tools: true, min_bytes: 10, to: ["s/c"] },
      { tools: true, min_bytes: 20, to: ["s/d"] },
      { tools: true, min_bytes: 10, to: ["s/b"], alias: "inner" },
    ]);
  });

  test("that are called like a model that a service declares stand behind it", () => {
    const aliases = { fast: ["qwen"], qwen: ["s/other"] };
    expect(resolved(aliases, new Set(["qwen"])).aliases["fast"]).toEqual(["qwen"]);
    expect(resolved(aliases).aliases["fast"]).toEqual(["s/other"]);
  });

  test("lead to the same written out as one by one, whatever they are", () => {
    const name = fc.constantFrom("a", "b", "c", "d");
    const target = fc.constantFrom("s/1", "s/2", "s/3", "a", "b", "c", "d");
    const condition = fc.record(
      { tools: fc.boolean(), min_bytes: fc.nat(4), to: target.map((to) => [to]) },
      { requiredKeys: ["to"] },
    );
    const spec = fc.record({
      to: target.map((to) => [to]),
      when: fc.array(condition, { maxLength: 2 }),
    });
    const request = fc.record({ tools: fc.boolean(), bytes: fc.nat(5) });
    fc.assert(
      fc.property(fc.dictionary(name, spec), request, (aliases, asked) => {
        const names = { aliases, models: none };
        const isSound = Object.keys(aliases).every((one) => !cycleFrom(one, names));
        const written = resolveAliases(names);
        if (!isSound) return;
        for (const alias of Object.keys(aliases)) {
          const rule = written.aliasRules[alias]?.find((one) => holds(one, asked));
          expect(rule?.to ?? written.aliases[alias]).toEqual([walk(aliases, alias, asked)]);
        }
      }),
    );
  });
});

type Asked = Readonly<{ tools: boolean; bytes: number }>;
type Condition = Readonly<{ tools?: boolean; min_bytes?: number; to: string[] }>;

function holds({ tools, min_bytes: least = 0 }: Omit<Condition, "to">, asked: Asked): boolean {
  return (tools ?? asked.tools) === asked.tools && asked.bytes >= least;
}

/** One alias after the other, as a person reads them. */
function walk(
  aliases: Readonly<Record<string, { to: string[]; when: Condition[] }>>,
  name: string,
  asked: Asked,
): string {
  const spec = Object.hasOwn(aliases, name) ? aliases[name] : undefined;
  if (!spec) return name;
  const met = spec.when.find((condition) => holds(condition, asked));
  return walk(aliases, (met ?? spec).to[0] ?? "", asked);
}

describe("what is wrong with aliases", () => {
  const problems = (aliases: string) =>
    problemsOf(`name: home
gateway: {aliases: {${aliases}}}
services: {ollama: {image: 'x:1', models: [llama]}}`);

  test.each([
    ["a: b, b: c, c: a", /aliases\.a: leads back to itself: a → b → c → a/],
    ["a: {to: ollama/x, when: [{tools: true, to: a}]}", /leads back to itself: a → a/],
    [
      "a: {to: llama, when: [{tools: true, to: fats}]}, fast: llama",
      /when\[0\]\.to\[0\]: `fats` is no model that a service declares: write service\/model\. → fast/,
    ],
    ["a: {to: llama, when: [{to: llama}]}", /must name a condition: tools or min_bytes/],
    ["a: [b, llama], b: llama", /aliases\.a\[0\]: `b` is an alias, which has to stand alone/],
    ["ollama/other: llama", /means a model of the service `ollama`: call the alias something else/],
    ["a: {to: llama, tols: false}", /tols/],
  ])("is told: %s", async (aliases, told) => {
    expect((await problems(aliases)).join("\n")).toMatch(told);
  });

  test("is nothing where they lead somewhere", async () => {
    expect(await problems("a: b, b: {to: llama, when: [{min_bytes: 1k, to: ollama/x}]}")).toEqual(
      [],
    );
  });
});
