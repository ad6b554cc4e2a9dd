/** How a service says no. Other people's software is told of and not blamed: the gateway wraps what has another shape. */
import { failureSchema } from "../gateway/contract.ts";
import type { KnownEndpoint } from "./claims.ts";
import { failed, type Finding, notClaimed, passed, type Verdict } from "./finding.ts";
import { examOf, meansFor } from "./endpoints/examine.ts";
import type { Scene } from "./scene.ts";
import { type Answer, askJson, jsonIn, type Silence, told } from "./visit.ts";

type Case = Readonly<{
  check: string;
  statuses: readonly number[];
  ask: (scene: Scene, endpoint: KnownEndpoint) => Promise<Answer | Silence>;
}>;

const noSuchModel = "nexus-verify-no-such-model";

/** Cases that need an endpoint which takes JSON. */
const cases: readonly Case[] = [
  {
    check: "unknown model",
    statuses: [404, 400],
    ask: ({ visit, subject, ...scene }, { check, path }) => {
      const [means] = meansFor({ visit, subject, ...scene }, check);
      const body = means && examOf(check)?.body({ ...means, model: noSuchModel });
      return askJson(visit, subject.apiPath + path, body);
    },
  },
  {
    check: "invalid JSON",
    statuses: [400, 422],
    ask: ({ visit, subject }, { path }) =>
      visit({
        method: "POST",
        path: subject.apiPath + path,
        headers: { "content-type": "application/json" },
        body: '{"model": ',
      }),
  },
  {
    check: "wrong method",
    statuses: [405, 404],
    ask: ({ visit, subject }, { path }) => visit({ method: "GET", path: subject.apiPath + path }),
  },
];

/** One row for each way to ask wrongly. */
export async function examineErrors(scene: Scene): Promise<readonly Finding[]> {
  const endpoint = scene.claims.known.find(({ check }) => check !== "transcriptions");
  const findings: Finding[] = [];
  for (const each of cases) {
    const verdict = await judgeCase(scene, each, endpoint);
    findings.push({ group: "errors", check: each.check, ...verdict });
  }
  const lost = await scene.visit({ method: "GET", path: "/nexus-verify/no-such-path" });
  const verdict = judge(scene, lost, [404]);
  return [...findings, { group: "errors", check: "unknown path", ...verdict }];
}

async function judgeCase(
  scene: Scene,
  { check, statuses, ask }: Case,
  endpoint: KnownEndpoint | undefined,
): Promise<Verdict> {
  if (endpoint === undefined) return notClaimed("It claims no endpoint that could be asked.");
  if (check === "unknown model" && scene.models.length === 0)
    return notClaimed("It lists no models.");
  return judge(scene, await ask(scene, endpoint), statuses);
}

function judge({ native }: Scene, seen: Answer | Silence, statuses: readonly number[]): Verdict {
  const blame = native ? failed : notClaimed;
  const wanted = statuses.join(" or ");
  if (seen.kind === "silence") return blame(`It has to answer ${wanted}, and did not: ${seen.why}`);
  if (!statuses.includes(seen.status))
    return blame(`It has to answer ${wanted}; it answered ${told(seen)}`);
  const read = failureSchema.safeParse(jsonIn(seen));
  if (read.success) return passed(`${seen.status}: ${read.data.error.message}`);
  return blame(
    `${seen.status} is right; the body has to be {"error": {message, type, code}}, not ${bodyOf(seen)}`,
  );
}

function bodyOf(seen: Answer): string {
  return seen.body.length === 0 ? "empty" : told(seen).replace(/^\d+(?:: )?/, "");
}
