/** ai2, the Mac: gateway, MLX, and what launchd starts there. */
import { makeCertificate } from "../certificates.ts";
import type { HostNames } from "./names.ts";
import { binaryPlist, xmlPlist, type PlistValue } from "./plists.ts";
import type { AiInfraSecrets } from "./secrets.ts";
import type { HostFile } from "./write.ts";

const daemons = "/Library/LaunchDaemons";

/** The gateway's own jobs, its certificate, and the Mac's name. */
export function gatewayJobs(names: HostNames): readonly HostFile[] {
  const { certificate, key } = makeCertificate();
  const python = "/var/lib/gateway/env/bin/python";
  const main = ["-m", "uvicorn", "app.main:app", "--host", "0.0.0.0", "--port", "8800"];
  const pair = [
    "--ssl-certfile",
    "/etc/ssl/certs/server.crt",
    "--ssl-keyfile=/etc/ssl/private/server.key",
  ];
  const gateway = job("com.ai.gateway", "gateway", [python, ...main, ...pair], {
    HOME: "/var/lib/gateway",
    PYTHONUNBUFFERED: "1",
    PUBLIC_BASE_URL: `https://${names.ai2}:8800`,
    BACKEND_VERIFY_TLS: "false",
  });
  const redirect = job("com.ai.gateway.redirect", "root", [
    python,
    "/var/lib/gateway/app/tools/redirect.py",
    "--listen",
    "80",
    "--to",
    "8800",
  ]);
  return [
    { path: `${daemons}/com.ai.gateway.plist`, content: xmlPlist(gateway) },
    { path: `${daemons}/com.ai.gateway.redirect.plist`, content: xmlPlist(redirect) },
    {
      path: `${daemons}/com.docker.vmnetd.plist`,
      content: xmlPlist(
        job("com.docker.vmnetd", "root", ["/Library/PrivilegedHelperTools/com.docker.vmnetd"]),
      ),
    },
    { path: "/etc/ssl/certs/server.crt", content: certificate },
    { path: "/etc/ssl/private/server.key", content: key, mode: 0o600 },
    {
      path: "/System/Library/CoreServices/SystemVersion.plist",
      content: xmlPlist({ ProductName: "macOS", ProductVersion: "15.3" }),
    },
    {
      path: "/Library/Preferences/SystemConfiguration/preferences.plist",
      content: binaryPlist({
        System: {
          Network: { HostNames: { LocalHostName: names.ai2 } },
          System: { ComputerName: `${names.ai2}’s MacBook Pro`, HostName: names.ai2 },
        },
      }),
    },
    {
      path: "/var/log/gateway/gateway.err.log",
      content: "INFO: Uvicorn running on https://0.0.0.0:8800\n",
    },
  ];
}

/** Everything else on the Mac. */
export function macServices(secrets: AiInfraSecrets): readonly HostFile[] {
  const mlx = job("com.mlx.openai.server", "mlx", [
    "/var/lib/mlx/env/bin/mlx-openai-server",
    "launch",
    "--model-path",
    "mlx-community/Qwen2.5-7B-Instruct-4bit",
    "--model-type=lm",
    "--host",
    "127.0.0.1",
    "--port",
    "10240",
  ]);
  const nexa = job("com.nexa.image.server", "nexa", [
    "/usr/local/bin/nexa",
    "serve",
    "--host",
    "127.0.0.1:18181",
  ]);
  const bot = job("com.telegram-bot.server", "telegram-bot", [
    "/usr/local/bin/node",
    "/var/lib/telegram-bot/app/bot.js",
  ]);
  const speech = job("com.pocket-tts.server", "pockettts", [
    "/var/lib/pocket-tts/env/bin/python",
    "pocket_tts_server.py",
  ]);
  const abandoned = job("com.heartmula", "heartmula", [
    "/var/lib/heartmula/env/bin/python",
    "heartmula_server.py",
  ]);
  const telegram = `TELEGRAM_TOKEN=${secrets.telegram}\nGATEWAY_BEARER_TOKEN=${secrets.plain}\nGATEWAY_PORT=8800\nGATEWAY_MODEL=auto\nSYSTEM_PROMPT=You are a friendly bot\nMAX_HISTORY=20\n`;
  return [
    { path: `${daemons}/com.mlx.openai.server.plist`, content: binaryPlist(mlx) },
    { path: `${daemons}/com.nexa.image.server.plist`, content: xmlPlist(nexa) },
    { path: `${daemons}/com.telegram-bot.server.plist`, content: xmlPlist(bot) },
    { path: `${daemons}/com.pocket-tts.server.plist`, content: xmlPlist(speech) },
    { path: `${daemons}/com.heartmula.plist`, content: xmlPlist(abandoned) },
    {
      path: "/var/lib/mlx/mlx.env",
      content:
        "MLX_HOST=127.0.0.1\nMLX_PORT=10240\nMLX_MODEL_PATH=mlx-community/gemma-2-2b-it-8bit\nMLX_MODEL_TYPE=lm\n",
    },
    {
      path: "/var/lib/mlx/cache/huggingface/hub/models--mlx-community--Qwen2.5-7B-Instruct-4bit/blobs/0a1b",
      content: Buffer.alloc(3000, 7),
    },
    {
      path: "/var/lib/mlx/cache/huggingface/hub/models--mlx-community--Qwen2.5-7B-Instruct-4bit/refs/main",
      content: "c26a38f6a37d0a51b4e9a1eb3026530fa35d9fed",
    },
    {
      path: "/var/lib/nexa/nexa.env",
      content: "#NEXA_CACHE_DIR=/var/lib/nexa/cache\nNEXA_HOST=127.0.0.1:18181\n",
    },
    { path: "/var/lib/telegram-bot/telegram-bot.env", content: telegram },
    { path: "/var/lib/telegram-bot/app/bot.js", content: "// the bot\n" },
    {
      path: "/etc/pocket-tts/pocket-tts.env",
      content:
        'POCKET_TTS_HOST=0.0.0.0\nPOCKET_TTS_PORT=9940\nPOCKET_TTS_MODEL_NAME=pocket-tts\nPOCKET_TTS_MODEL_PATH=\nPOCKET_TTS_VOICE=alba\nPOCKET_TTS_SAMPLE_RATE=22050\nPOCKET_TTS_ALLOWED_CIDRS="10.10.22.0/24"\n',
    },
    {
      path: "/etc/pocket-tts/pocket-tts.env.bak.20260102030405",
      content: "POCKET_TTS_VOICE=old\n",
    },
  ];
}

function job(
  label: string,
  user: string,
  argv: readonly string[],
  environment?: Readonly<Record<string, string>>,
): Readonly<Record<string, PlistValue>> {
  return {
    Label: label,
    UserName: user,
    WorkingDirectory: argv[0]?.split("/env/")[0] ?? "/",
    ProgramArguments: argv,
    RunAtLoad: true,
    KeepAlive: true,
    ...(environment && { EnvironmentVariables: environment }),
    StandardOutPath: `/var/log/${label}.out.log`,
    StandardErrorPath: `/var/log/${label}.err.log`,
  };
}
