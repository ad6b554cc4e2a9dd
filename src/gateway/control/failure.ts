/** Why an order of the control channel was not carried out. */

/** A refusal that the client gets as an `error` line. */
export class ControlFailure extends Error {
  override name = "ControlFailure";
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
