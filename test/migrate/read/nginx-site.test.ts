import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readNginxSite } from "../../../src/migrate/read/nginx-site.ts";
import { bytesLike } from "./arbitrary.ts";

const at = { host: "ada2", file: "/etc/nginx/sites-available/invokeai" };

function read(text: string) {
  const { found, notUnderstood } = readNginxSite(Buffer.from(text), at);
  const notes = notUnderstood.map(({ at: { line }, what, why }) => `${line} ${what} ${why}`);
  return { ...found, notes };
}

describe("sites of nginx", () => {
  it("are ports, names, and what is passed on to where", () => {
    const { servers, notes } = read(`# Nginx proxy for InvokeAI
server {
    listen 7860;
    server_name ada2 ada2.local;

    location /healthz {
        access_log off;
        return 200 "ok\\n";
        add_header Content-Type text/plain;
    }
    location = /v1/models { # the shim
        proxy_pass http://127.0.0.1:9091;
        proxy_set_header X-Forwarded-For "$proxy_add_x_forwarded_for; x";
    }
    location ~ "^/api/v[12]{1}/" { proxy_pass http://127.0.0.1:9090/api/v1/; }
    location / { proxy_pass http://\${backend}:9090; client_max_body_size 100M; }
}
`);
    expect(notes).toEqual([]);
    expect(servers).toMatchObject([
      {
        at: { ...at, line: 2 },
        listens: [{ value: { port: 7860, tls: false }, at: { ...at, line: 3 } }],
        names: ["ada2", "ada2.local"],
        locations: [
          {
            match: "/healthz",
            returns: { value: "200 ok\n" },
            others: ["access_log", "add_header"],
          },
          {
            match: "= /v1/models",
            pass: { value: "http://127.0.0.1:9091", at: { ...at, line: 12 } },
          },
          { match: "~ ^/api/v[12]{1}/", pass: { value: "http://127.0.0.1:9090/api/v1/" } },
          { match: "/", pass: { value: "http://${backend}:9090" } },
        ],
      },
    ]);
  });

  it("have certificates, other addresses, and names for upstreams", () => {
    const { servers, upstreams, notes } = read(`http {
  upstream gateway { server 127.0.0.1:8800 weight=2; server ai2:8800; }
  server {
    listen [::]:443 ssl http2; listen 10.0.0.1:8443 ssl; listen *:80; listen ai2;
    ssl_certificate /etc/ssl/certs/server.crt;
    ssl_certificate_key "/etc/ssl/private/server.key";
    return 301 https://$host$request_uri;
  }
}`);
    expect(notes).toEqual([]);
    expect(servers[0]).toMatchObject({
      certificate: { value: "/etc/ssl/certs/server.crt", at: { ...at, line: 5 } },
      key: { value: "/etc/ssl/private/server.key" },
      returns: { value: "301 https://$host$request_uri" },
    });
    expect(servers[0]?.listens.map(({ value }) => value)).toEqual([
      { address: "[::]", port: 443, tls: true },
      { address: "10.0.0.1", port: 8443, tls: true },
      { address: "*", port: 80, tls: false },
      { address: "ai2", port: 80, tls: false },
    ]);
    expect(upstreams.get("gateway")?.map(({ value }) => value)).toEqual([
      "127.0.0.1:8800",
      "ai2:8800",
    ]);
  });

  it("say what decides over requests and is not carried over", () => {
    const { notes } = read(`map $a $b { default 1; }
server {
  listen unix:/run/x;
  allow 10.0.0.0/8; deny all;
  location / {
    if ($a) { return 403; }
    auth_basic x;
    location /inner { proxy_pass http://a; proxy_pass http://b; }
  }
}`);
    expect(notes.map((note) => note.split(" ", 2).join(" "))).toEqual([
      "1 map",
      "4 allow",
      "4 deny",
      "3 listen",
      "6 if",
      "7 auth_basic",
      "8 proxy_pass",
    ]);
  });

  it("that are broken are read as far as they go, and say where", () => {
    const { servers, notes } = read('server {\n listen 80\n}\n}\n{ }\nserver {\n listen "81;\n');
    expect(servers).toHaveLength(2);
    expect(notes).toEqual([
      "2 line 2 is not ended by `;`.",
      "4 line 4 closes what is not open.",
      "5 line 5 has a block or a `;` without a name before it.",
      "7 line 7 is not ended by `;`.",
      "6 line 6 is never closed.",
      "7 listen is no port of this machine.",
    ]);
  });

  it("never make the reader throw, and take one go however odd they are", () => {
    fc.assert(
      fc.property(
        bytesLike("{};\"'\\#$ \n", "server {", "location / {", "listen ", "${"),
        (bytes) => {
          expect(readNginxSite(bytes, at).notUnderstood).toBeInstanceOf(Array);
        },
      ),
      { numRuns: 500 },
    );
    const start = performance.now();
    for (const pattern of [
      "{",
      "a{",
      "}",
      "a ",
      "a;",
      "# \n",
      '"',
      "${",
      "\\",
      "\n",
      "location x {",
    ])
      read(`server { ${pattern.repeat(30_000)}`);
    expect(performance.now() - start).toBeLessThan(6000);
  });
});
