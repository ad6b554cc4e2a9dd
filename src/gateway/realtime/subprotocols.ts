/** The subprotocols a WebSocket client offers; browsers can send no header, so OpenAI's clients put the key among them. */

const keyPrefix = "openai-insecure-api-key.";

/** The key among the offered subprotocols, and the others as an upstream may see them. */
export function readProtocols(
  offered: string | undefined,
): Readonly<{ key: string | undefined; others: readonly string[] }> {
  const names = (offered ?? "").split(",").map((name) => name.trim());
  const given = names.filter((name) => name !== "");
  const key = given.find((name) => name.startsWith(keyPrefix))?.slice(keyPrefix.length);
  return { key, others: given.filter((name) => !name.startsWith(keyPrefix)) };
}
