/** Whether two things want the same port of this machine. Pure. */
import { gatewayDefaults } from "./defaults.ts";
import { type Member, memberProblem } from "./members.ts";
import type { Problem } from "./problem.ts";
import type { GatewaySpec } from "./schema/stack-file.ts";
import { problemIn } from "./source.ts";
import type { StackFile } from "./stack-file.ts";

type Claim = Readonly<{
  owner: string;
  ip: string;
  port: number;
  protocol: string;
  problem: (message: string) => Problem;
}>;

/** Every published port that something before it has taken; the gateway comes first. */
export function portProblems(
  gateway: GatewaySpec,
  active: readonly Member[],
  files: readonly StackFile[],
): readonly Problem[] {
  const claims = [...gatewayClaims(gateway, files), ...active.flatMap(serviceClaims)];
  return claims.flatMap((claim, index) => {
    const first = claims.slice(0, index).find((other) => collide(claim, other));
    return first ? [claim.problem(`port ${claim.port} is taken by ${first.owner}`)] : [];
  });
}

function gatewayClaims(gateway: GatewaySpec, files: readonly StackFile[]): readonly Claim[] {
  const api = gateway.port ?? gatewayDefaults.port;
  const observability = gateway.observability_port ?? gatewayDefaults.observability_port;
  const problem = (key: string) => (message: string) => problemAbout(files, key, message);
  return [
    {
      owner: "the gateway",
      ip: gateway.host ?? gatewayDefaults.host,
      port: api,
      protocol: "tcp",
      problem: problem("port"),
    },
    {
      owner: "the gateway (observability_port)",
      ip: gatewayDefaults.host,
      port: observability,
      protocol: "tcp",
      problem: problem("observability_port"),
    },
  ];
}

/** Tells it in the file that sets the key, else in the stack file itself. */
function problemAbout(files: readonly StackFile[], key: string, message: string): Problem {
  const setter =
    files.findLast(({ spec }) => Object.hasOwn(spec.gateway ?? {}, key)) ?? files.at(-1);
  if (!setter) throw new Error("a stack has at least one file");
  return problemIn(setter.source, ["gateway", key], message);
}

function serviceClaims(member: Member): readonly Claim[] {
  return (member.spec.ports ?? []).map((port, index) => ({
    owner: `service ${member.name}`,
    ip: port.host_ip,
    port: port.published,
    protocol: port.protocol,
    problem: (message) => memberProblem(member, ["ports", index], message),
  }));
}

function collide(left: Claim, right: Claim): boolean {
  const overlap = left.ip === right.ip || isEverywhere(left.ip) || isEverywhere(right.ip);
  return left.port === right.port && left.protocol === right.protocol && overlap;
}

function isEverywhere(ip: string): boolean {
  return ip === "0.0.0.0" || ip === "::";
}
