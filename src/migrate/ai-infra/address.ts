/** Addresses that programs listen on, and what URLs mean. Pure. */

/** Where something listens. */
export type Address = Readonly<{ address: string; port: number }>;

/** Whether only the machine itself hears an address. */
export function isLoopback(address: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[?::1\]?)$/i.test(address);
}

/** Whether an address is that of every interface. */
export function isEverywhere(address: string): boolean {
  return /^(?:0\.0\.0\.0|\[?::\]?|\*)$/.test(address);
}

/** `0.0.0.0:11434`, `http://ai1:11434`, `:8080`, `10.0.0.5`: what is not said is as by default. */
export function parseAddress(text: string, byDefault: Address): Address {
  const plain = text
    .trim()
    .replace(/^[a-z]+:\/\//i, "")
    .replace(/\/.*$/, "");
  const [, address = "", port] = /^(\[[^\]]*\]|[^:]*)(?::(\d{1,5}))?$/.exec(plain) ?? [];
  return {
    address: address === "" ? byDefault.address : address,
    port: port === undefined ? byDefault.port : (parsePort(port) ?? byDefault.port),
  };
}

/** A port; undefined when the text is none. */
export function parsePort(text: string): number | undefined {
  const port = /^\d{1,5}$/.test(text.trim()) ? Number(text) : 0;
  return port > 0 && port < 65_536 ? port : undefined;
}

/** Host and port that a URL leads to; undefined when it is none of HTTP or WebSocket. */
export function targetOf(url: string): Readonly<{ host: string; port: number }> | undefined {
  if (!/^(?:https?|wss?):\/\//i.test(url) || !URL.canParse(url)) return undefined;
  const { hostname, port, protocol } = new URL(url);
  const usual = protocol === "https:" || protocol === "wss:" ? 443 : 80;
  return { host: hostname, port: port === "" ? usual : Number(port) };
}
