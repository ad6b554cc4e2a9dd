/** Every inference endpoint, asked in every way it can be: the rows of matrices. */
import { endpoints, type Endpoint } from "../../src/gateway/api/endpoints.ts";

const boundary = "the-boundary";

/** One way to ask an endpoint, and what kind of answer it expects. */
export type Asking = Readonly<{
  /** For the name of a test: `POST /v1/chat/completions (events)`. */
  name: string;
  path: string;
  expects: "json" | "events" | "bytes";
  headers: Readonly<Record<string, string>>;
  body: string;
}>;

/** Everything that some endpoint needs of a service. */
export const everyCapability: readonly string[] = [
  ...new Set(endpoints.flatMap(({ capabilities }) => capabilities)),
];

/** Each endpoint that takes a body, whole and, where it can, as a stream. */
export const everyAsking: readonly Asking[] = endpoints
  .filter(({ method }) => method === "POST")
  .flatMap((endpoint) => (endpoint.streams ? [false, true] : [false]).map(askingOf(endpoint)));

function askingOf(endpoint: Endpoint) {
  return (stream: boolean): Asking => {
    const { path } = endpoint;
    const whole = path === "/v1/audio/speech" ? "bytes" : "json";
    const expects = stream ? "events" : whole;
    const kind: string = endpoint.body;
    const type = kind === "json" ? "application/json" : `multipart/form-data; boundary=${boundary}`;
    const body = kind === "json" ? JSON.stringify({ model: "echo", stream }) : form(stream);
    return { name: `${path} (${expects})`, path, expects, headers: { "content-type": type }, body };
  };
}

function form(stream: boolean): string {
  const field = (name: string, value: string) =>
    `--${boundary}\r\ncontent-disposition: form-data; ${name}\r\n\r\n${value}\r\n`;
  const fields = [
    field('name="model"', "echo"),
    field('name="stream"', String(stream)),
    field('name="file"; filename="a.wav"', "sound"),
  ];
  return `${fields.join("")}--${boundary}--\r\n`;
}
