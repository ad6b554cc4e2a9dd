/** What may go wrong with the GPUs that a service was given, in sentences. Pure. */
import { type GpuClaim, type GpuTenant, onlyLooks, type Slot } from "./gpu-slots.ts";
import { aside, tenantText } from "./gpu-words.ts";

/** What a service has to know of one of its GPUs: that it is cordoned, or shared with somebody without measure. */
export function gpuWarnings(claim: GpuClaim, { gpu, others, cordon }: Slot): readonly string[] {
  const { service } = claim;
  const stays =
    cordon === undefined
      ? []
      : [
          `${service} stays on the GPU ${gpu.id}, which is cordoned${aside(cordon)}, until it is replaced`,
        ];
  return [...stays, ...others.flatMap((tenant) => warningOf(claim, tenant))];
}

/** Only where both declare what they need is it known that the memory does for both. */
function warningOf(claim: GpuClaim, tenant: GpuTenant): readonly string[] {
  if (onlyLooks(claim) || onlyLooks(tenant)) return [];
  const shared = `${claim.service} shares the GPU ${tenant.gpu} with ${tenantText(tenant)}`;
  const risk = "its memory may not do for both";
  if (tenant.vramBytes === undefined) return [`${shared}, whose need is not declared: ${risk}`];
  return claim.vramBytes === undefined ? [`${shared} and declares no \`vram\`: ${risk}`] : [];
}
