/** A stand-in for Qdrant: collections of vectors, found by cosine; 503 at /readyz while it loads them. */
import { liesAbout } from "../lie.ts";
import { numberFrom, type Routes, sendJson, serverOf, type Visit } from "../serve.ts";

type Point = Readonly<{ id: string | number; vector: readonly number[]; payload?: unknown }>;
type Collection = { readonly size: number; readonly points: Map<string, Point> };

const started = performance.now();
const collections = new Map<string, Collection>();
const readyAt = started + numberFrom("STAND_IN_LOAD_MS", 300);
const isReady = (): boolean => !liesAbout("never-ready") && performance.now() >= readyAt;

const routes: Routes = {
  "GET /": ({ response }) =>
    sendJson(response, 200, {
      title: "qdrant - vector search engine",
      version: "1.19.0",
      commit: "",
    }),
  "GET /livez": ({ response }) => void response.end("healthz check passed"),
  "GET /healthz": ({ response }) => void response.end("healthz check passed"),
  "GET /readyz": ({ response }) => {
    response.statusCode = isReady() ? 200 : 503;
    response.end(isReady() ? "all shards are ready" : "some shards are not ready");
  },
  "GET /metrics": ({ response }) =>
    void response
      .setHeader("content-type", "text/plain")
      .end(`# TYPE collections_total gauge\ncollections_total ${collections.size}\n`),
  "GET /collections": ({ response }) =>
    succeed(response, { collections: [...collections.keys()].map((name) => ({ name })) }),
  "GET /collections/*": (visit) => inCollection(visit, (found) => succeed(visit.response, found)),
  "PUT /collections/*": (visit) =>
    (visit.url.pathname.endsWith("/points") ? upsert : create)(visit),
  "POST /collections/*": search,
};

function succeed(response: Visit["response"], result: unknown): void {
  const time = (performance.now() - started) / 1000;
  sendJson(response, 200, { result: shown(result), status: "ok", time });
}

function shown(result: unknown): unknown {
  if (!(result instanceof Object) || !("points" in result) || !(result.points instanceof Map))
    return result;
  return { status: "green", points_count: result.points.size };
}

const nameIn = ({ url }: Visit): string => url.pathname.split("/")[2] ?? "";

function create(visit: Visit): void {
  const { size } = (visit.body["vectors"] ?? {}) as { size?: number };
  if (size === undefined)
    return sendJson(visit.response, 422, { status: { error: "vectors.size is missing" } });
  if (collections.has(nameIn(visit)))
    return sendJson(visit.response, 409, {
      status: { error: `Wrong input: Collection \`${nameIn(visit)}\` already exists!` },
    });
  collections.set(nameIn(visit), { size, points: new Map() });
  succeed(visit.response, true);
}

function upsert(visit: Visit): void {
  inCollection(visit, ({ size, points }) => {
    const given = visit.body["points"] as readonly Point[];
    const odd = given.find(({ vector }) => vector.length !== size);
    if (odd) {
      const error = `Wrong input: Vector dimension error: expected dim: ${size}, got ${odd.vector.length}`;
      return sendJson(visit.response, 400, { status: { error } });
    }
    for (const point of given) points.set(String(point.id), point);
    succeed(visit.response, { operation_id: points.size, status: "completed" });
  });
}

/** `/points/query` as clients of today ask, `/points/search` as those of before. */
function search(visit: Visit): void {
  inCollection(visit, ({ points }) => {
    const { body } = visit;
    const wanted = (body["query"] ?? body["vector"]) as readonly number[];
    const scored = [...points.values()].map(({ id, vector, payload }) => ({
      id,
      version: 0,
      score: cosine(wanted, vector),
      ...(body["with_payload"] === true && { payload }),
    }));
    const best = scored.toSorted((a, b) => b.score - a.score).slice(0, Number(body["limit"] ?? 10));
    succeed(visit.response, visit.url.pathname.endsWith("/query") ? { points: best } : best);
  });
}

function inCollection(visit: Visit, use: (collection: Collection) => void): void {
  const found = collections.get(nameIn(visit));
  if (found) return use(found);
  const error = `Not found: Collection \`${nameIn(visit)}\` doesn't exist!`;
  sendJson(visit.response, 404, { status: { error } });
}

function cosine(a: readonly number[], b: readonly number[]): number {
  const dot = a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0);
  const norm = (vector: readonly number[]): number => Math.hypot(...vector) || 1;
  return dot / (norm(a) * norm(b));
}

process.on("SIGTERM", () => process.exit(0));
serverOf(routes).listen(Number(process.env["QDRANT__SERVICE__HTTP_PORT"] ?? "6333"), "0.0.0.0");
