/** ada2 and what every Linux host of ai-infra has: units, settings, nginx, firewalls. */
import type { HostNames } from "./names.ts";
import { ollama } from "./ollama.ts";
import type { AiInfraSecrets } from "./secrets.ts";
import type { HostFile } from "./write.ts";

/** The name and the firewall of a Linux host. */
export function linuxHost(name: string): readonly HostFile[] {
  return [
    { path: "/etc/hostname", content: `${name}\n` },
    { path: "/etc/os-release", content: 'ID=ubuntu\nVERSION_ID="24.04"\n' },
    {
      path: "/etc/ufw/user.rules",
      content:
        "*filter\n-A ufw-user-input -p tcp --dport 11434 -s 10.10.22.0/24 -j ACCEPT\nCOMMIT\n",
      mode: 0o640,
    },
  ];
}

/** ai1: fast inference. */
export function inferenceHost(): readonly HostFile[] {
  return ollama([
    { name: "llama3.3", tag: "70b" },
    { name: "qwen2.5", tag: "7b" },
    { name: "qwen2.5-coder", tag: "32b" },
    { name: "qwen3", tag: "30b" },
    { name: "nomic-embed-text", tag: "latest" },
    { name: "llama3.2", tag: "1b", state: "blob-missing" },
    { name: "qwen3", tag: "235b", state: "empty-manifest" },
    { name: "Llama-3.2-1B-Instruct-GGUF", tag: "latest", below: "hf.co/bartowski" },
  ]);
}

/** ada2: images, music, speech, text in images, video. */
export function studioHost(names: HostNames, secrets: AiInfraSecrets): readonly HostFile[] {
  return [
    ...ollama([{ name: "llama3.2-vision", tag: "11b" }]),
    ...services(names, secrets).flatMap(installed),
    ...invokeai(),
    { path: "/etc/iptables/rules.v4", content: rules },
    { path: "/var/lib/heartmula/ckpt/heartmula-3b.safetensors", content: Buffer.alloc(5000, 1) },
    { path: "/var/lib/heartmula/output/song.mp3", content: Buffer.alloc(700, 2) },
    { path: "/var/lib/skyreels-v2/out/clip.mp4", content: Buffer.alloc(900, 3) },
    { path: "/var/lib/followyourcanvas/out/canvas.mp4", content: Buffer.alloc(800, 4) },
    {
      path: "/var/lib/sdxl-turbo/cache/models--stabilityai--sdxl-turbo/blobs/9f8e",
      content: Buffer.alloc(2000, 5),
    },
  ];
}

type Installed = Readonly<{
  name: string;
  exec: string;
  file?: string;
  settings: string;
  mode?: number;
}>;

function installed({ name, exec, file, settings, mode }: Installed): readonly HostFile[] {
  const env = file ?? `/etc/${name}/${name}.env`;
  const unit = `[Unit]
Description=${name}
After=network.target

[Service]
Type=simple
User=${name}
Group=${name}
EnvironmentFile=${env}
WorkingDirectory=/var/lib/${name}
ExecStart=${exec}
Restart=on-failure
RestartSec=5
LimitNOFILE=65535

[Install]
WantedBy=multi-user.target
`;
  return [
    { path: `/etc/systemd/system/${name}.service`, content: unit },
    { path: env, content: settings, ...(mode && { mode }) },
    { path: `${env}.bak.20260110101010`, content: settings },
  ];
}

function services(names: HostNames, secrets: AiInfraSecrets): readonly Installed[] {
  const python = (name: string, program: string) => `/var/lib/${name}/venv/bin/python ${program}`;
  return [
    {
      name: "heartmula",
      exec: "/var/lib/heartmula/env/bin/python /var/lib/heartmula/heartmula_server.py",
      settings:
        'HEARTMULA_MODEL_PATH=/var/lib/heartmula/ckpt\nHEARTMULA_OUTPUT_DIR=/var/lib/heartmula/output\nHEARTMULA_HOST=0.0.0.0\nHEARTMULA_PORT=9920\nHEARTMULA_DEVICE=cuda\nHEARTMULA_DTYPE=float16\nHEARTMULA_VERSION=3B\nHEARTMULA_ALLOWED_CIDRS="10.10.22.0/24"\nPYTORCH_CUDA_ALLOC_CONF=garbage_collection_threshold:0.8,max_split_size_mb:1024\n',
    },
    {
      name: "luxtts",
      exec: python("luxtts", "app/luxtts_server.py"),
      settings:
        'LUXTTS_HOST=0.0.0.0\nLUXTTS_PORT=9170\nLUXTTS_MODEL=luxtts\nLUXTTS_OUTPUT_FORMAT=wav\nLUXTTS_UPSTREAM_BASE_URL=http://127.0.0.1:9170\nLUXTTS_UPSTREAM_ENDPOINT=/v1/audio/speech\nLUXTTS_TIMEOUT_SEC=120\nLUXTTS_DEVICE=auto\nLUXTTS_MODEL_ID=YatharthS/LuxTTS\nLUXTTS_VOICE_MAP_JSON={"ada": "/var/lib/luxtts/voices/ada voice.wav"}\n',
    },
    {
      name: "qwen3-tts",
      exec: python("qwen3-tts", "app/qwen3_tts_server.py"),
      settings: `QWEN3_TTS_HOST=0.0.0.0\nQWEN3_TTS_PORT=9175\nQWEN3_TTS_MODEL=qwen3-tts\nQWEN3_TTS_OUTPUT_FORMAT=wav\nQWEN3_TTS_UPSTREAM_BASE_URL=http://${names.ada2}:9175\nQWEN3_TTS_UPSTREAM_ENDPOINT=/v1/audio/speech\nQWEN3_TTS_TIMEOUT_SEC=120\nQWEN3_TTS_DEVICE=cuda\nQWEN3_TTS_MODEL_ID=Qwen/Qwen3-TTS-12Hz-1.7B-CustomVoice\n`,
    },
    {
      name: "sdxl-turbo",
      exec: python("sdxl-turbo", "sdxl_turbo_server.py"),
      settings: `SDXL_TURBO_HOST=0.0.0.0\nSDXL_TURBO_PORT=9050\nSDXL_TURBO_MODEL_ID=stabilityai/sdxl-turbo\nSDXL_TURBO_NUM_INFERENCE_STEPS=1\nSDXL_TURBO_GUIDANCE_SCALE=0.0\nSDXL_TURBO_WIDTH=512\nSDXL_TURBO_HEIGHT=512\nHF_TOKEN=${secrets.huggingFace}\n`,
    },
    {
      name: "lighton-ocr",
      exec: python("lighton-ocr", "app/lighton_ocr_server.py"),
      settings:
        "LIGHTON_OCR_HOST=127.0.0.1\nLIGHTON_OCR_PORT=9155\nLIGHTON_OCR_TIMEOUT_SEC=120\nLIGHTON_OCR_DEVICE=auto\nLIGHTON_OCR_MODEL_ID=lightonai/LightOnOCR-2-1B\nLIGHTON_OCR_RUN_COMMAND=/var/lib/lighton-ocr/venv/bin/python3 scripts/run_lighton_ocr.py\n",
    },
    {
      name: "personaplex",
      exec: python("personaplex", "personaplex_server.py"),
      settings:
        "PERSONAPLEX_HOST=0.0.0.0\nPERSONAPLEX_PORT=9160\nPERSONAPLEX_MODEL=personaplex\nPERSONAPLEX_TIMEOUT_SEC=120\nPERSONAPLEX_DEVICE=cuda\n",
    },
    {
      name: "followyourcanvas",
      exec: '/bin/bash -lc "${FYC_CMD}"',
      file: "/var/lib/followyourcanvas/followyourcanvas.env",
      mode: 0o640,
      settings: `FYC_HOST=127.0.0.1\nFYC_PORT=8123\nPYTHONPATH=/var/lib/followyourcanvas/shim\nFYC_CMD="/var/lib/followyourcanvas/venv/bin/python -m uvicorn fyc_shim.server:app --host \${FYC_HOST} --port \${FYC_PORT}"\nFYC_UPSTREAM_BASE_URL=\nFYC_RUN_COMMAND="/bin/sh -c 'python -m fyc_shim.run'"\nFYC_MAX_CONCURRENCY=1\nFYC_TIMEOUT_SEC=3600\nFYC_API_BASE_URL=http://127.0.0.1:8123\n`,
    },
    {
      name: "skyreels-v2",
      exec: python("skyreels-v2", "app/skyreels_server.py"),
      settings:
        "SKYREELS_HOST=0.0.0.0\nSKYREELS_PORT=9190\nSKYREELS_TIMEOUT_SEC=3600\nSKYREELS_MAX_CONCURRENCY=1\nSKYREELS_OUT_DIR=/var/lib/skyreels-v2/out\nSKYREELS_DEVICE=cuda\n",
    },
    {
      name: "vibevoice-asr",
      exec: python("vibevoice-asr", "vibevoice_asr_server.py"),
      settings:
        "VIBEVOICE_ASR_HOST=127.0.0.1\nVIBEVOICE_ASR_PORT=9180\nVIBEVOICE_ASR_MODEL=vibevoice-asr\nVIBEVOICE_ASR_TIMEOUT_SEC=120\nVIBEVOICE_ASR_DEVICE=cuda\n",
    },
  ];
}

function invokeai(): readonly HostFile[] {
  const shim = "/var/lib/invokeai/openai_images_shim/shim.env";
  const settings = `SHIM_MODE=invokeai_queue
INVOKEAI_BASE_URL=http://127.0.0.1:9090
INVOKEAI_QUEUE_ID=default
INVOKEAI_DEFAULT_MODEL=Juggernaut XL v9
SHIM_MODEL_PRESETS_JSON={"gpu_fast":{"model":"SDXL Turbo","steps":4,"cfg_scale":0},"gpu_slow":{"model":"Juggernaut XL v9","steps":30,"cfg_scale":6}}
SHIM_MODEL_INPUT_MODE=id
SHIM_GRAPH_TEMPLATE_PATH=/var/lib/invokeai/openai_images_shim/graph_template.json
SHIM_OUTPUT_NODE_ID=63e91020-8d4f-4a3b-9c2e-1f0a7b6c5d4e
`.replaceAll("\n", "\r\n");
  const [ui, adapter] = ["invokeai", "invokeai-openai-images-shim"].map((name) => ({
    name,
    path: `/etc/systemd/system/${name}.service`,
  }));
  return [
    {
      path: ui?.path ?? "",
      content:
        "[Unit]\nDescription=InvokeAI\n\n[Service]\nUser=invokeai\nEnvironmentFile=-/var/lib/invokeai/invokeai.env\nEnvironment=INVOKEAI_ROOT=/var/lib/invokeai INVOKEAI_PORT=9090\nExecStart=/var/lib/invokeai/venv/bin/invokeai-web \\\n  --root /var/lib/invokeai \\\n  --port 9090\nRestart=always\n",
    },
    {
      path: adapter?.path ?? "",
      content: `[Unit]\nDescription=OpenAI Images shim\n\n[Service]\nUser=invokeai\nEnvironmentFile=${shim}\nExecStart=/var/lib/invokeai/venv/bin/python -m uvicorn shim:app --host 127.0.0.1 --port 9091\n`,
    },
    {
      path: "/var/lib/invokeai/invokeai.env",
      content:
        "INVOKEAI_CONFIG_PATH=/var/lib/invokeai/invokeai.yaml\nINVOKEAI_HOST=127.0.0.1\nINVOKEAI_PORT=7860\n",
    },
    {
      path: "/var/lib/invokeai/invokeai.yaml",
      content: "schema_version: 4.0.2\nhost: 127.0.0.1\nport: 9090\n",
    },
    { path: shim, content: settings },
    { path: "/var/lib/invokeai/openai_images_shim/graph_template.json", content: '{"nodes":{}}\n' },
    {
      path: "/var/lib/invokeai/models/sdxl/main/juggernaut.safetensors",
      content: Buffer.alloc(4000, 6),
    },
    { path: "/var/lib/invokeai/outputs/images/1.png", content: Buffer.alloc(300, 8) },
    { path: "/etc/nginx/sites-available/invokeai", content: nginx },
  ];
}

const nginx = `# InvokeAI and its shim behind one port
server {
    listen 7860;
    listen [::]:7860;
    server_name _;
    client_max_body_size 128m;

    location = /healthz { return 200 "ok\\n"; }
    location = /readyz { proxy_pass http://127.0.0.1:9091; }
    location = /v1/images/generations {
        proxy_pass http://127.0.0.1:9091;
        proxy_read_timeout 600s;
    }
    location = /v1/models { proxy_pass http://127.0.0.1:9091; }
    location /v1/ { proxy_pass http://127.0.0.1:9090/api/v1/; }
    location / {
        proxy_pass http://127.0.0.1:9090;
        proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade;
    }
}
`;

const rules = `*filter
:INPUT ACCEPT [0:0]
-A INPUT -s 10.10.22.0/24 -p tcp -m tcp --dport 9920 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 9920 -j DROP
COMMIT
`;
