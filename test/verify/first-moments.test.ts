import { expect, test } from "vitest";
import { probeSchema } from "../../src/gateway/config.ts";
import { visitDirectly } from "../../src/verify/direct.ts";
import { unsafeBecause } from "../../src/verify/fresh-copy.ts";
import { judgeFirstMoments } from "../../src/verify/honesty.ts";
import type { Subject } from "../../src/verify/subject.ts";
import type { Silence, Visit } from "../../src/verify/visit.ts";
import { startService } from "./service.ts";

const subject: Subject = {
  name: "mine",
  provides: ["chat"],
  models: ["echo-1"],
  apiPath: "/v1",
  probe: probeSchema.parse({}),
  native: true,
};

const refused: Silence = { kind: "silence", why: "the connection was refused" };

const json = (status: number, document: unknown) => ({
  kind: "answer" as const,
  status,
  headers: { "content-type": "application/json" },
  body: Buffer.from(JSON.stringify(document)),
  arrivals: [1],
  tookMs: 1,
});

const loading = (progress: number) => json(503, { status: "loading", progress });
const running = async () => undefined;
const patience = { stallTimeoutMs: 5_000 };

/** A copy whose first answers are these; then it is a service that works, or what `later` makes of it. */
async function judge(
  first: readonly ReturnType<Visit>[],
  {
    later = (visit) => visit,
    ended = running,
  }: Partial<
    Readonly<{ later: (visit: Visit) => Visit; ended: () => Promise<string | undefined> }>
  > = {},
) {
  const service = await startService();
  const left = [...first];
  const real = later(visitDirectly(new URL(service.url)));
  const visit: Visit = (question) =>
    (question.path === "/readyz" ? left.shift() : undefined) ?? real(question);
  const verdict = await judgeFirstMoments(subject, { visit, ended }, patience);
  await service.stop();
  return verdict;
}

test("refusing, then 503, then 200 with everything working is honest, and is told as a story", async () => {
  const answers = [refused, refused, loading(0.1), loading(0.6)].map((seen) =>
    Promise.resolve(seen),
  );
  const { outcome, detail } = await judge(answers);
  expect(outcome).toBe("pass");
  expect(detail).toMatch(
    /^no answer from 0\.0 s on, then 503 from \d\.\d s on, then 200 from \d\.\d s on; /,
  );
});

test("200 while a claimed endpoint fails is a lie, and the endpoint is named", async () => {
  const later =
    (real: Visit): Visit =>
    async (question) =>
      question.path === "/v1/chat/completions"
        ? json(503, { error: { message: "Loading.", type: "server_error" } })
        : real(question);
  const { outcome, detail } = await judge([], { later });
  expect(outcome).toBe("fail");
  expect(detail).toContain("200 from 0.0 s on; and at that moment chat failed");
});

test("a status that is neither 200 nor 503 fails, even when it becomes ready later", async () => {
  const { outcome, detail } = await judge([Promise.resolve(json(404, {}))]);
  expect({ outcome, detail }).toMatchObject({ outcome: "fail" });
  expect(detail).toContain("200 or 503");
});

test("a copy that ends before it is ready says with what", async () => {
  const never = Array.from({ length: 50 }, () => Promise.resolve(refused));
  const { outcome, detail } = await judge(never, { ended: async () => "It ended with 3." });
  expect({ outcome, detail }).toEqual({ outcome: "fail", detail: "It ended with 3." });
});

test("one that makes no progress is given up, and one that does is not", async () => {
  const stuck = async () => json(503, { status: "loading", progress: 0.5 });
  const verdict = await judgeFirstMoments(
    subject,
    { visit: stuck, ended: running },
    { stallTimeoutMs: 100 },
  );
  expect(verdict).toMatchObject({ outcome: "fail" });
  expect(verdict.detail).toContain("did not become ready");
});

test("a copy is not made where two would share what only one may have", () => {
  const volume = {
    kind: "volume",
    source: "home-models",
    target: "/models",
    external: false,
  } as const;
  const plain = { mounts: [], devices: [], oneShot: false };
  const gpus = { kind: "nvidia", ids: ["GPU-1"] } as const;
  expect(unsafeBecause(plain, {})).toBeUndefined();
  expect(unsafeBecause({ ...plain, mounts: [{ ...volume, readOnly: true }] }, {})).toBeUndefined();
  expect(unsafeBecause({ ...plain, mounts: [{ ...volume, readOnly: false }] }, {})).toContain(
    "home-models",
  );
  expect(unsafeBecause(plain, { gpus })).toContain("GPU");
});
