/** What an old client would see: its token is accepted and its names of models answer. */
import {
  type ApiAccess,
  ApiError,
  type ApiModel,
  apiModels,
  apiServices,
  askModel,
} from "../../../apply/gateway-api.ts";
import { NexusError } from "../../../errors.ts";
import { isDatabase } from "../../ai-infra/databases.ts";
import { Secret } from "../../secret.ts";
import { settingsInFile } from "../../read/settings-file.ts";
import type { Place } from "../../reading.ts";
import type { StepContext } from "../context.ts";
import type { Check } from "../events.ts";

/** Old tokens over the API, then every alias: listed, and answering where it leads to a service that chats. */
export async function checkApi(context: StepContext): Promise<readonly Check[]> {
  const { plan, world } = context;
  if (plan.keys.length === 0 && plan.aliases.length === 0) return [];
  const tokens = await findTokens(context);
  const way = await world.api(plan.choices.stack);
  const accepted: ApiAccess[] = [];
  const checks: Check[] = [];
  for (const { record, at } of plan.keys) {
    const token = tokens.get(record.digest);
    const access = token && { ...way, key: token.reveal() };
    const id = `token ${record.name}`;
    const check = access ? await checkToken(id, access) : { id, ...withoutToken(at, way.base) };
    if (access && check.outcome === "passed") accepted.push(access);
    checks.push(check);
  }
  return [...checks, ...(await checkAliases(context, accepted[0]))];
}

/** Of a user's API key the old gateway kept the digest alone; other tokens stand in settings, while these can be read. */
function withoutToken({ file }: Pick<Place, "file">, base: string): Omit<Check, "id"> {
  const ask = `sk a client that has it: GET ${base}/models must answer with status 200.`;
  return isDatabase(file)
    ? {
        outcome: "skipped",
        detail: "The gateway has its digest, and that is all that the old one kept of it",
        remedy: `A${ask}`,
      }
    : {
        outcome: "skipped",
        detail: "The gateway has its digest, and the token itself cannot be read here any more",
        remedy: `Run the same \`nexus migrate\` where the old settings can be read, or a${ask}`,
      };
}

async function checkToken(id: string, access: ApiAccess): Promise<Check> {
  try {
    await apiModels(access);
    return { id, outcome: "passed", detail: "The old token is accepted" };
  } catch (error) {
    return refused(id, error);
  }
}

async function checkAliases(
  { plan, signal }: StepContext,
  access: ApiAccess | undefined,
): Promise<readonly Check[]> {
  if (access === undefined)
    return plan.aliases.map(({ name }) => ({
      id: `alias ${name}`,
      outcome: "skipped" as const,
      detail: "No old token is at hand to ask with",
      remedy: `Ask it with \`nexus chat --model ${name} "Say OK."\`.`,
    }));
  const [models, services] = await Promise.all([apiModels(access), apiServices(access)]);
  const chats = new Set(
    services.filter(({ provides }) => provides.includes("chat")).map(({ id }) => id),
  );
  const checks: Check[] = [];
  for (const alias of plan.aliases)
    checks.push(await checkAlias(alias, { models, chats, access, signal }));
  return checks;
}

type Asking = Readonly<{
  models: readonly ApiModel[];
  chats: ReadonlySet<string>;
  access: ApiAccess;
  signal: AbortSignal;
}>;

async function checkAlias(
  { name, targets }: StepContext["plan"]["aliases"][number],
  { models, chats, access, signal }: Asking,
): Promise<Check> {
  const id = `alias ${name}`;
  if (!models.some((model) => model.id === name))
    return { id, outcome: "failed", detail: `${name} is not among the models` };
  if (!targets.some((target) => isChat(target, chats)))
    return { id, outcome: "passed", detail: "It is among the models" };
  try {
    // Less than any cap that an old alias is likely to have; the gateway lowers it where one is lower.
    const max_tokens = 8;
    const messages = [{ role: "user" as const, content: "Say OK." }];
    // The first piece of an answer is an answer; leaving then ends it.
    for await (const text of askModel(access, { model: name, messages, max_tokens }, signal))
      if (text !== "") break;
    return { id, outcome: "passed", detail: "A chat through it is answered" };
  } catch (error) {
    return refused(id, error);
  }
}

/** `ollama/llama3.2:3b` is a chat model if its service chats; models that embed are known by their names. */
function isChat(target: string, chats: ReadonlySet<string>): boolean {
  const [service = ""] = target.split("/");
  return chats.has(service) && !/embed|rerank|bge-|minilm/i.test(target);
}

function refused(id: string, error: unknown): Check {
  if (!(error instanceof NexusError)) throw error;
  const status = error instanceof ApiError ? ` (status ${String(error.details["status"])})` : "";
  return { id, outcome: "failed", detail: `${error.message}${status}`, remedy: error.remedy };
}

/** The old tokens by their digests, read again where they stand; what cannot be read is absent. */
async function findTokens({
  plan,
  trees,
}: Pick<StepContext, "plan" | "trees">): Promise<ReadonlyMap<string, Secret>> {
  const found = new Map<string, Secret>();
  const places = new Map(plan.keys.map(({ at }) => [`${at.host}:${at.file}`, at]));
  for (const { host, file } of places.values()) {
    if (isDatabase(file)) continue;
    const read = await trees.find((tree) => tree.host === host)?.read(file);
    if (read?.kind !== "file") continue;
    for (const text of textsIn(read.bytes, { host, file })) {
      const secret = new Secret(text);
      found.set(secret.digest(), secret);
    }
  }
  return found;
}

/** Everything in a settings file that could be a token: its settings, and whatever stands between quotes, commas, equals signs and spaces. */
function textsIn(bytes: Buffer, at: Place): readonly string[] {
  const values = [...settingsInFile(bytes, at).values()].flatMap(({ value }) => value.split(","));
  const quoted = [...bytes.toString("utf8").matchAll(/"([^"\n]+)"|'([^'\n]+)'/g)];
  const bare = bytes.toString("utf8").split(/[\s"',={}:]+/);
  const between = quoted.map(([, double, single]) => double ?? single ?? "");
  return [...values.map((text) => text.trim()), ...between, ...bare].filter((text) => text !== "");
}
