/** Image references, taken apart as the Docker CLI does (distribution/reference). Pure. */

/** `registry` is `docker.io` when the reference names none; `tag` is a tag or a digest. */
export type Reference = Readonly<{ registry: string; repository: string; tag: string }>;

/** Takes a reference apart; without tag and digest it means `latest`. */
export function parseReference(ref: string): Reference {
  const [withTag = "", digest] = ref.split("@");
  const colon = withTag.indexOf(":", withTag.lastIndexOf("/") + 1);
  const repository = colon < 0 ? withTag : withTag.slice(0, colon);
  const tag = colon < 0 ? "latest" : withTag.slice(colon + 1);
  return { registry: registryOf(repository), repository, tag: digest ?? tag };
}

function registryOf(repository: string): string {
  const [first = "", ...rest] = repository.split("/");
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
  return isHost && first !== "index.docker.io" ? first : "docker.io";
}
