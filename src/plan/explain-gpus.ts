/** Why every service gets the GPUs that it gets. Pure. */
import { gpuIds } from "./gpu-placement.ts";
import { gibibytes, gpuName } from "./gpu-words.ts";
import type { Member } from "./member.ts";
import type { UpInput } from "./plan.ts";
import { setScene } from "./scene.ts";

/** What a service that may have GPUs gets of them: their ids, none on the CPU, and why. */
export type GpuExplanation = Readonly<{
  service: string;
  gpus: readonly string[];
  because: string;
}>;

/** One for every service that may have GPUs, in the order of the stack file. Throws what planUp throws. */
export function explainGpus(input: UpInput): readonly GpuExplanation[] {
  return setScene(input).courses.flatMap(({ member }) => {
    const wanted = member.onCpu !== undefined || member.service?.gpus.kind !== "none";
    if (!member.service || !wanted) return [];
    const gpus = gpuIds(member.blueprint.gpus);
    return [{ service: member.name, gpus, because: becauseOf(member, gpus, input) }];
  });
}

function becauseOf(member: Member, ids: readonly string[], { stack, gpus }: UpInput): string {
  const { service, onCpu = "the engine offers no GPU" } = member;
  const other = stack.services.some((each) => each.name === member.name && "withoutGpu" in each);
  if (ids.length === 0)
    return `runs on the CPU${other ? ` as ${member.blueprint.image}` : ""}: ${onCpu}`;
  const names = ids.map((id) => {
    const found = gpus.find((gpu) => gpu.id === id || gpu.id.endsWith(`=${id}`));
    return found ? gpuName({ ...found, id }) : id;
  });
  const need = service?.vramBytes;
  const [shown, it] = [names.join(" and "), ids.length === 1 ? "it" : "them"];
  if (need === undefined) return `takes ${shown}, all of ${it}: it declares no \`vram\``;
  return need === 0
    ? `sees ${shown} and takes nothing of ${it}`
    : `takes ${shown}, ${gibibytes(need)} of ${it}`;
}
