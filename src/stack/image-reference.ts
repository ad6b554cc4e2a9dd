/** Image references as registries understand them (the distribution project's grammar). Pure. */

const domain = String.raw`(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::\d+)?\/)?`;
const part = String.raw`[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*`;
const reference = new RegExp(
  String.raw`^${domain}${part}(?:\/${part})*(?::(?<tag>[\w][\w.-]{0,127}))?(?<digest>@sha256:[a-f0-9]{64})?$`,
);

/** Whether the text is an image reference. */
export function isReference(text: string): boolean {
  return reference.test(text);
}

/** Whether the reference names no version: no digest, and no tag or `latest`. */
export function isMovingTag(text: string): boolean {
  const { tag, digest } = reference.exec(text)?.groups ?? {};
  return digest === undefined && (tag === undefined || tag === "latest");
}
