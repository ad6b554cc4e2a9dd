/** A stand-in for Grafana: it reads what the real one is provisioned with, queries Prometheus and draws the dashboard. */
import { readFileSync } from "node:fs";
import { liesAbout } from "../lie.ts";
import { numberFrom, type Routes, sendJson, serverOf, type Visit } from "../serve.ts";
import { drawDashboard } from "./draw.ts";
import { type DataSource, readProvisioning, type Target } from "./provisioning.ts";
import { ask, QueryError, type Series, type Span } from "./query.ts";

const { sources, dashboards } = readProvisioning(
  process.env["GF_PATHS_PROVISIONING"] ?? "/etc/grafana/provisioning",
);
const password = readPassword(process.env["GF_SECURITY_ADMIN_PASSWORD__FILE"]);
const anonymous = process.env["GF_AUTH_ANONYMOUS_ENABLED"] === "true";
const isDown = liesAbout("never-ready");

const routes: Routes = {
  "GET /api/health": ({ response }) =>
    sendJson(response, isDown ? 503 : 200, {
      database: isDown ? "failing" : "ok",
      version: "12.0.2",
      commit: "",
    }),
  "GET /api/datasources": (visit) => forAdmin(visit, () => sendJson(visit.response, 200, sources)),
  "GET /api/search": (visit) =>
    forViewer(visit, () =>
      sendJson(
        visit.response,
        200,
        dashboards.map(({ uid, title }) => ({ uid, title, type: "dash-db", folderTitle: "Nexus" })),
      ),
    ),
  "GET /api/dashboards/uid/*": (visit) => forViewer(visit, sendDashboard),
  "POST /api/ds/query": (visit) => forViewer(visit, query),
  "GET /d/*": (visit) => forViewer(visit, draw),
  "GET /": (visit) => forViewer(visit, draw),
};

/** As run.sh does: a file that is named must be there. */
function readPassword(file: string | undefined): string | undefined {
  return file === undefined ? undefined : readFileSync(file, "utf8").trim();
}

function isAdmin({ request }: Visit): boolean {
  const login = Buffer.from(`admin:${password}`).toString("base64");
  return password !== undefined && request.headers.authorization === `Basic ${login}`;
}

type Answer = (visit: Visit) => void | Promise<void>;

function forAdmin(visit: Visit, answer: Answer): void | Promise<void> {
  if (isAdmin(visit)) return answer(visit);
  sendJson(visit.response, anonymous ? 403 : 401, { message: "You need additional permissions." });
}

function forViewer(visit: Visit, answer: Answer): void | Promise<void> {
  if (anonymous || isAdmin(visit)) return answer(visit);
  sendJson(visit.response, 401, { message: "Unauthorized" });
}

function sendDashboard({ url, response }: Visit): void {
  const dashboard = dashboards.find(({ uid }) => url.pathname.endsWith(`/${uid}`));
  if (!dashboard) return sendJson(response, 404, { message: "Dashboard not found" });
  sendJson(response, 200, { dashboard, meta: { provisioned: true, canSave: false } });
}

/** What the page of the real one asks for every panel; times are milliseconds. */
async function query({ body, response }: Visit): Promise<void> {
  const span = { from: Number(body["from"]) / 1000, to: Number(body["to"]) / 1000 };
  const results: Record<string, unknown> = {};
  for (const target of body["queries"] as readonly Target[]) {
    const series = await seriesOf(target, span).catch((error: unknown) => {
      if (error instanceof QueryError) return error;
      throw error;
    });
    results[target.refId] =
      series instanceof QueryError
        ? { status: 400, error: series.message }
        : { status: 200, frames: series.map(frameOf) };
  }
  sendJson(response, 200, { results });
}

function frameOf({ refId, name, labels, points }: Series): unknown {
  const fields = [
    { name: "Time", type: "time" },
    { name: "Value", type: "number", labels },
  ];
  const values = [points.map(([time]) => time * 1000), points.map(([, value]) => value)];
  return { schema: { refId, name, fields }, data: { values } };
}

function seriesOf(target: Target, span: Span): Promise<Series[]> {
  return ask(sourceOf(target), target, span);
}

function sourceOf({ datasource }: Target): DataSource {
  const found = sources.find(({ uid }) => uid === datasource.uid);
  if (!found) throw new QueryError(`data source ${datasource.uid} was not found`);
  return found;
}

/** The dashboard of the path, or the first; `?minutes=` says how far back. */
async function draw({ url, response }: Visit): Promise<void> {
  const dashboard = dashboards.find(({ uid }) => url.pathname === `/d/${uid}`) ?? dashboards[0];
  if (!dashboard) return sendJson(response, 404, { message: "Dashboard not found" });
  const to = Date.now() / 1000;
  const span = { from: to - 60 * Number(url.searchParams.get("minutes") ?? "15"), to };
  const filled = await Promise.all(
    dashboard.panels.map(async (panel) => {
      const series = await Promise.all(panel.targets.map((target) => seriesOf(target, span)));
      return { panel, series: series.flat() };
    }),
  );
  response.setHeader("content-type", "image/svg+xml");
  response.end(drawDashboard(dashboard, filled, span));
}

process.on("SIGTERM", () => process.exit(0));
setTimeout(
  () => serverOf(routes).listen(Number(process.env["GF_SERVER_HTTP_PORT"] ?? "3000"), "0.0.0.0"),
  numberFrom("STAND_IN_LOAD_MS", 300),
);
