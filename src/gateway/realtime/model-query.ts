/** The model in the query of a WebSocket's target: read, and replaced without touching the rest. Pure. */

type Pair = Readonly<{ name: string; text: string }>;

/** The model a target names; undefined when it names none, `ambiguous` when it names two. */
export function modelInQuery(target: string): string | undefined | Readonly<{ ambiguous: true }> {
  const named = pairsOf(target).filter(({ name }) => name === "model");
  if (named.length > 1) return { ambiguous: true };
  const text = named[0]?.text;
  return text === undefined ? undefined : decode(text.slice(text.indexOf("=") + 1));
}

/** The query of a target, `?` included, with its model under the name by which an upstream calls it. */
export function queryFor(target: string, model: string | undefined): string {
  const pairs = pairsOf(target).map(({ name, text }) =>
    name === "model" && model !== undefined && decode(text.slice(6)) !== model
      ? `model=${encodeURIComponent(model)}`
      : text,
  );
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}

function pairsOf(target: string): Pair[] {
  const at = target.indexOf("?");
  if (at === -1) return [];
  return target
    .slice(at + 1)
    .split("&")
    .map((text) => ({ name: decode(text.split("=", 1)[0] ?? ""), text }));
}

/** A form's spelling: `+` is a space; what is no escape stands for itself. */
function decode(text: string): string {
  const spaced = text.replaceAll("+", " ");
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
}
