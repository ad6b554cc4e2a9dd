import { expect, test } from "vitest";
import { verifyAtAddress } from "../../src/verify/at-address.ts";
import { startStandIn } from "../support/stand-in.ts";

/** Other people's software, how its stand-in is told its port, and what its template claims. */
const software = {
  kokoro: { port: "STAND_IN_PORT", provides: ["tts"], broken: "speech" },
  llamacpp: { port: "LLAMA_ARG_PORT", provides: ["chat"], broken: "chat" },
} as const;

async function verify(name: keyof typeof software, lie: Readonly<Record<string, string>>) {
  const { port, provides } = software[name];
  const environment = { [port]: "{port}", ...lie };
  const standIn = await startStandIn(name, { environment, until: 200 });
  try {
    const claims = { url: standIn.url, provides, models: [], probe: "/health" };
    const { findings } = await verifyAtAddress(claims);
    return findings.filter(({ outcome }) => outcome === "fail").map(({ check }) => check);
  } finally {
    await standIn.stop();
  }
}

test.each(["kokoro", "llamacpp"] as const)(
  "%s as it is keeps what its template claims; ready without a model is a lie that is told",
  async (name) => {
    expect(await verify(name, {})).toEqual([]);
    const told = await verify(name, { STAND_IN_LIE: "ready-without-model" });
    expect(told).toEqual(expect.arrayContaining(["ready means it works", software[name].broken]));
  },
);
