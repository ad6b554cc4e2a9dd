/** What is known of a service before it is asked. */
import type { Probe } from "../gateway/config.ts";
import type { Metadata } from "../gateway/contract.ts";

/** A field of the form that user interfaces show. */
export type UiOption = NonNullable<NonNullable<Metadata["ui"]>["options"]>[number];

/** A service to be verified, with what is claimed for it elsewhere than in its own documents. */
export type Subject = Readonly<{
  /** What its metadata must call it; undefined when that is not known. */
  name?: string;
  provides: readonly string[];
  /** Models that it must list. */
  models: readonly string[];
  /** Prefix of its OpenAI-compatible API. */
  apiPath: string;
  probe: Probe;
  /** It is meant to have the contract, and is not other people's software that a probe was found for. */
  native: boolean;
  /** False when its streams are known to tell no usage. */
  streamUsage?: boolean;
  /** Form fields that are declared for it. */
  options?: readonly UiOption[];
  /** Endpoints of which it speaks another dialect than clients do. */
  dialects?: Readonly<{ rerank?: "tei" | undefined }>;
}>;
