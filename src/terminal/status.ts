/** The status of a stack, for people. Pure. */
import type { ServiceStatus, StackStatus } from "../apply/stack-status.ts";
import { gpuWord } from "../readiness/gpu-truth.ts";
import type { PortBinding } from "../stack/stack.ts";
import { formatTail } from "./report.ts";
import { table } from "./table.ts";
import type { Paint, Theme } from "./theme.ts";
import { formatAge } from "./units.ts";
import { indent, printable } from "./width.ts";

/** How a status looks. */
export type StatusLook = Readonly<{ theme: Theme; nowMs: number; width?: number | undefined }>;

/** The table of services, what is wrong with those that are not at their level, and where the API is. */
export function formatStatus(status: StackStatus, look: StatusLook): string {
  const { theme } = look;
  const troubles = status.services.filter(({ atLevel }) => !atLevel);
  const parts = [
    servicesTable(status.services, look),
    ...troubles.map((service) => trouble(service, theme)),
    ending(status, theme),
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

function servicesTable(
  services: readonly ServiceStatus[],
  { theme, nowMs, width }: StatusLook,
): string {
  return table(
    services,
    [
      { title: "SERVICE", value: ({ service }) => service, paint: () => theme.strong },
      { title: "STATE", value: stateText, paint: (service) => statePaint(service, theme) },
      { title: "WHY", value: whyText, spare: true },
      {
        title: "IMAGE",
        value: ({ image, url }) => image ?? url ?? "",
        shrink: true,
        paint: () => theme.dim,
      },
      {
        title: "GPU",
        value: ({ gpu }) => (gpu ? gpuWord(gpu) : ""),
        paint: ({ gpu }) => gpuPaint(gpu, theme),
      },
      {
        title: "UP",
        value: ({ startedAt, state }) => (isUp(state) ? formatAge(startedAt ?? "", nowMs) : ""),
      },
      {
        title: "RESTARTS",
        value: ({ restarts }) => (restarts > 0 ? String(restarts) : ""),
        align: "right",
      },
      {
        title: "BUSY",
        value: ({ inFlight }) => (inFlight ? String(inFlight) : ""),
        align: "right",
      },
      { title: "PORTS", value: ({ ports }) => ports.map(portText).join(", "), shrink: true },
    ],
    { theme, width },
  );
}

function stateText({ atLevel, state }: ServiceStatus): string {
  return `${atLevel ? "✔" : "✘"} ${state}`;
}

function statePaint({ atLevel, state }: ServiceStatus, theme: Theme): Paint {
  if (atLevel) return theme.good;
  return state === "loading" || state === "reachable" || state === "running"
    ? theme.warn
    : theme.bad;
}

function gpuPaint(gpu: ServiceStatus["gpu"], theme: Theme): Paint {
  if (gpu === undefined || gpu.kind === "unknown") return theme.dim;
  if (gpu.kind === "partial") return theme.warn;
  return gpu.kind === "gpu" ? theme.good : theme.bad;
}

/** Only what the state does not say already. */
function whyText({ atLevel, sentence, service, differs }: ServiceStatus): string {
  if (!atLevel) return "";
  if (differs !== undefined) return differs;
  const why = printable(sentence)
    .replace(new RegExp(`^${service}:? `), "")
    .replace(/\.$/, "");
  return why === "runs" ? "" : why;
}

function isUp(state: ServiceStatus["state"]): boolean {
  return !["crashed", "exited", "completed", "missing", "created", "out-of-memory"].includes(state);
}

/** Ports on loopback are what people expect; any other address is named. */
function portText({ hostIp, hostPort, containerPort, protocol }: PortBinding): string {
  const suffix = protocol === "tcp" ? "" : `/${protocol}`;
  const host = hostIp === "127.0.0.1" || hostIp === "::1" ? "" : `${hostIp}:`;
  return `${host}${String(hostPort)}→${String(containerPort)}${suffix}`;
}

function trouble(service: ServiceStatus, theme: Theme): string {
  const { sentence, remedy, differs, logs = [] } = service;
  const lines = [
    ...(differs === undefined ? [] : [differs]),
    ...formatTail(logs, theme),
    ...(remedy === undefined ? [] : [`${theme.accent("→")} ${remedy}`]),
  ];
  return [`${theme.bad("✘")} ${printable(sentence)}`, indent(lines.join("\n"), 2)].join("\n");
}

function ending({ stack, ok, differs, api, services }: StackStatus, theme: Theme): string {
  const healthy = services.filter(({ atLevel }) => atLevel).length;
  const summary = ok
    ? theme.good("everything is at its level")
    : theme.bad(`${String(healthy)} of ${String(services.length)} at their level`);
  const lines = [
    `${theme.strong(stack)}: ${summary}`,
    ...(api === undefined ? [] : [`API  ${theme.accent(api)}`]),
    ...(differs
      ? [
          theme.warn(
            "The stack differs from nexus.yaml: run `nexus plan` to see how, `nexus up` to change it.",
          ),
        ]
      : []),
  ];
  return lines.join("\n");
}

/** What matters of a status to somebody who watches: it changes only when something happened. */
export function statusFingerprint({ services, ok, differs, api }: StackStatus): string {
  return JSON.stringify([
    ok,
    differs,
    api,
    services.map(({ startedAt: _startedAt, inFlight: _inFlight, ...rest }) => rest),
  ]);
}
