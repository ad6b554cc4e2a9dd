/** InvokeAI's graphs (invokeai/app/services/shared/graph.py), and what it has against some of them. */

type Node = Readonly<Record<string, unknown>>;
type End = Readonly<{ node_id: string; field: string }>;

/** A graph: nodes by their ids, and typed edges between their fields. */
export type Graph = Readonly<{
  nodes: Readonly<Record<string, Node>>;
  edges: readonly Readonly<{ source: End; destination: End }>[];
}>;

/** Nodes the stand-in knows: the inputs that must be connected, and their outputs (invokeai/app/invocations). */
const kinds: Readonly<
  Record<string, Readonly<{ needs: readonly string[]; gives: readonly string[] }>>
> = {
  main_model_loader: { needs: [], gives: ["unet", "clip", "vae"] },
  sdxl_model_loader: { needs: [], gives: ["unet", "clip", "clip2", "vae"] },
  compel: { needs: ["clip"], gives: ["conditioning"] },
  sdxl_compel_prompt: { needs: ["clip", "clip2"], gives: ["conditioning"] },
  noise: { needs: [], gives: ["noise", "width", "height"] },
  denoise_latents: {
    needs: ["positive_conditioning", "negative_conditioning", "noise", "unet"],
    gives: ["latents", "width", "height"],
  },
  l2i: { needs: ["latents", "vae"], gives: ["image", "width", "height"] },
};

/** Loaders by the bases of models that they take. */
const bases: Readonly<Record<string, readonly string[]>> = {
  main_model_loader: ["sd-1", "sd-2"],
  sdxl_model_loader: ["sdxl"],
};

/** Whether a JSON value has the shape of a graph. */
export function isGraph(value: unknown): value is Graph {
  return typeof value === "object" && value !== null && "nodes" in value && "edges" in value;
}

/** Why a graph is refused; undefined when it is not. */
export function graphProblem(graph: Graph, models: readonly unknown[]): string | undefined {
  for (const [id, node] of Object.entries(graph.nodes)) {
    const problem = nodeProblem(id, node, graph) ?? modelProblem(node, models);
    if (problem !== undefined) return problem;
  }
  const loose = graph.edges.find(
    ({ source, destination }) => !connects(graph, source, destination),
  );
  return loose ? `Edge ${loose.source.node_id}.${loose.source.field} is not valid` : undefined;
}

function nodeProblem(id: string, node: Node, { edges }: Graph): string | undefined {
  const kind = kinds[String(node["type"])];
  if (!kind) return `Input tag '${String(node["type"])}' does not match any of the expected tags`;
  if (node["id"] !== id) return `Node ids must match, got ${String(node["id"])} and ${id}`;
  const bad = ["width", "height"].find((side) => side in node && Number(node[side]) % 8 !== 0);
  if (bad !== undefined) return `${bad}: Input should be a multiple of 8`;
  const open = kind.needs.find(
    (field) => !edges.some(({ destination: to }) => to.node_id === id && to.field === field),
  );
  return open === undefined ? undefined : `Node ${id} is missing its connection ${open}`;
}

function connects({ nodes }: Graph, source: End, destination: End): boolean {
  const gives = kinds[String(nodes[source.node_id]?.["type"])]?.gives ?? [];
  return gives.includes(source.field) && nodes[destination.node_id] !== undefined;
}

function modelProblem({ type, model }: Node, models: readonly unknown[]): string | undefined {
  const wanted = bases[String(type)];
  if (wanted === undefined) return undefined;
  const { key, base } = (model ?? {}) as Readonly<Record<string, unknown>>;
  const known = models.some((each) => (each as Readonly<Record<string, unknown>>)["key"] === key);
  if (!known) return `Unknown model: ${String(key)}`;
  return wanted.includes(String(base))
    ? undefined
    : `${String(type)} does not take ${String(base)}`;
}

/** The value of a field, wherever in the graph. */
export function valueOf({ nodes }: Graph, field: string): unknown {
  return Object.values(nodes).find((node) => field in node)?.[field];
}
