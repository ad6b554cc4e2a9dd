/** What went wrong in a call, read from what dockerode and Node throw. */
import {
  EngineError,
  EngineForbiddenError,
  EngineLostError,
  EngineTlsError,
  EngineTooNewError,
  EngineUnreachableError,
} from "../errors/connection.ts";
import { DiskFullError } from "../errors/resources.ts";
import { NexusError } from "../../errors.ts";

/** What is known of the engine when a call fails. */
export type CallContext = Readonly<{
  /** The call in words, such as `start home-ollama-1`. */
  call: string;
  endpoint: string;
  /** The engine has answered before. */
  reached: boolean;
  /** Sockets that answer instead. */
  alternatives: readonly string[];
}>;

/** Turns anything thrown by a call into one of the engine's error classes; errors that are bugs come back as they are. */
export function readFailure(error: unknown, context: CallContext): unknown {
  if (error instanceof NexusError || !(error instanceof Error)) return error;
  const status =
    "statusCode" in error && typeof error.statusCode === "number" ? error.statusCode : undefined;
  if (status !== undefined)
    return refusal(status, engineWords(error.message), { ...context, cause: error });
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return connectionFailure(code, error, context) ?? error;
}

/** True for failures of the connection, as opposed to refusals by the engine. */
export function isConnectionCode(code: string): boolean {
  return (
    connectionCodes.has(code) ||
    code.startsWith("ERR_TLS") ||
    code.startsWith("ERR_SSL") ||
    certificateCode.test(code)
  );
}

const connectionCodes: ReadonlySet<string> = new Set(
  "ENOENT ECONNREFUSED ETIMEDOUT ENOTFOUND EAI_AGAIN EHOSTUNREACH ENETUNREACH ECONNRESET EPIPE ECONNABORTED ESSH EACCES EPERM ENOTSOCK EPROTO HPE_INVALID_CONSTANT ERR_STREAM_PREMATURE_CLOSE ERR_STREAM_DESTROYED".split(
    " ",
  ),
);
const certificateCode = /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|ALTNAME/;

function connectionFailure(
  code: string,
  error: Error,
  context: CallContext,
): NexusError | undefined {
  if (!isConnectionCode(code)) return undefined;
  const { endpoint, alternatives, reached, call } = context;
  if (code === "EACCES" || code === "EPERM") return new EngineForbiddenError(endpoint, error);
  if (certificateCode.test(code) || /^(ERR_(TLS|SSL)|EPROTO|HPE_)/.test(code))
    return new EngineTlsError(endpoint, error.message, error);
  if (reached) return new EngineLostError(call, error);
  return new EngineUnreachableError(
    { endpoint, alternatives, reason: code, said: error.message },
    error,
  );
}

function refusal(
  status: number,
  said: string,
  context: CallContext & { cause: Error },
): NexusError {
  const { call, cause } = context;
  if (/no space left on device/i.test(said)) return new DiskFullError(call, said, cause);
  if (/client version \S+ is too old/.test(said)) return new EngineTooNewError(said, cause);
  if (/Client sent an HTTP request to an HTTPS server/.test(said))
    return new EngineTlsError(
      context.endpoint,
      "the engine wants TLS and was spoken to without it",
      cause,
    );
  return new EngineError(call, status, said, cause);
}

/** docker-modem writes `(HTTP code 404) no such container - No such container: x `; only the last part is the engine's. */
function engineWords(message: string): string {
  return message.replace(/^\(HTTP code \d+\) [^-]*- /, "").trim();
}

/** True for an EngineError with this status, whose words match. */
export function isRefusal(error: unknown, status: number, words = /(?:)/): error is EngineError {
  return error instanceof EngineError && error.status === status && words.test(error.said);
}
