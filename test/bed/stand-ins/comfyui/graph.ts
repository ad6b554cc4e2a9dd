/** Graphs in ComfyUI's API format, and what its execution.py has against some of them. */

/** A node: its class, and inputs that are values or links `[node, output]`. */
type Node = Readonly<{ class_type: string; inputs: Readonly<Record<string, unknown>> }>;

/** A graph by the ids of its nodes. */
export type Graph = Readonly<Record<string, Node>>;

/** What the stand-in's nodes need; the last two write images. */
const inputsOf: Readonly<Record<string, readonly string[]>> = {
  CheckpointLoaderSimple: ["ckpt_name"],
  CLIPTextEncode: ["text", "clip"],
  EmptyLatentImage: ["width", "height", "batch_size"],
  KSampler: [
    "model",
    "seed",
    "steps",
    "cfg",
    "sampler_name",
    "scheduler",
    "positive",
    "negative",
    "latent_image",
    "denoise",
  ],
  VAEDecode: ["samples", "vae"],
  PreviewImage: ["images"],
  SaveImage: ["images", "filename_prefix"],
};

/** Whether a JSON value has the shape of a graph. */
export function isGraph(value: unknown): value is Graph {
  if (typeof value !== "object" || value === null) return false;
  return Object.values(value).every(
    (node: unknown) => typeof node === "object" && node !== null && "class_type" in node,
  );
}

/** The node that writes images. */
export function outputOf(graph: Graph): string | undefined {
  return Object.keys(graph).find((id) =>
    ["PreviewImage", "SaveImage"].includes(graph[id]?.class_type ?? ""),
  );
}

/** The value of an input, wherever in the graph. */
export function valueOf(graph: Graph, input: string): unknown {
  return Object.values(graph).find(({ inputs }) => input in inputs)?.inputs[input];
}

/** The body of the 400 for a graph that does not validate; undefined for one that does. */
export function complaintsAbout(graph: Graph, checkpoints: readonly string[]): unknown {
  if (outputOf(graph) === undefined)
    return refusal("prompt_no_outputs", "Prompt has no outputs", {});
  const errors = Object.entries(graph).flatMap(([id, node]) => {
    const complaints = complaintsOf(node, graph, checkpoints);
    return complaints.length === 0
      ? []
      : [
          [
            id,
            {
              errors: complaints,
              dependent_outputs: [outputOf(graph)],
              class_type: node.class_type,
            },
          ],
        ];
  });
  if (errors.length === 0) return undefined;
  return refusal(
    "prompt_outputs_failed_validation",
    "Prompt outputs failed validation",
    Object.fromEntries(errors),
  );
}

function refusal(type: string, message: string, nodes: unknown): unknown {
  return { error: { type, message, details: "", extra_info: {} }, node_errors: nodes };
}

function complaintsOf(
  { class_type: kind, inputs }: Node,
  graph: Graph,
  checkpoints: readonly string[],
): readonly unknown[] {
  const missing = (inputsOf[kind] ?? []).filter((name) => !(name in inputs));
  const complaints = missing.map((name) =>
    complaint("required_input_missing", "Required input is missing", name),
  );
  const loose = Object.values(inputs).filter(
    (link) => Array.isArray(link) && !(String(link[0]) in graph),
  );
  if (loose.length > 0) complaints.push(complaint("bad_linked_input", "Bad linked input", ""));
  const checkpoint = inputs["ckpt_name"];
  if (kind === "CheckpointLoaderSimple" && !checkpoints.includes(String(checkpoint)))
    complaints.push(
      complaint(
        "value_not_in_list",
        "Value not in list",
        `ckpt_name: '${String(checkpoint)}' not in ${JSON.stringify(checkpoints)}`,
      ),
    );
  return complaints;
}

function complaint(type: string, message: string, details: string) {
  return { type, message, details, extra_info: {} };
}
