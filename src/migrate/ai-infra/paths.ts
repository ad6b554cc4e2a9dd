/** Where ai-infra keeps the gateway, on every host that has one. */
import { posix } from "node:path";

/** Its code and its settings. */
export const gatewayApp = "/var/lib/gateway/app";

/** What it keeps. */
export const gatewayData = "/var/lib/gateway/data";

/** Copies that editors and scripts leave, and templates: nothing of them is in force. */
export function isLeftover(path: string): boolean {
  return /(?:\.bak(?:\.|$)|\.backup$|\.example(?:\.|$)|\.orig$|~$)/.test(posix.basename(path));
}

/** Whether a path is a folder, or lies somewhere below it. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === "/" ? "/" : `${folder}/`);
}
