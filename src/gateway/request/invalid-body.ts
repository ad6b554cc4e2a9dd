/** What is wrong with a body, as its client is told. */

/** A body that no upstream should see. */
export class InvalidBody extends Error {
  override name = "InvalidBody";
  readonly param: string | undefined;

  constructor(message: string, param?: string) {
    super(message);
    this.param = param;
  }
}
