#!/usr/bin/env bash
# From a fresh clone to a first answer: see --help.
set -euo pipefail

readonly question="Say hello in one short sentence."
readonly daemon_log=/var/log/nexus-dockerd.log
assume_yes=false

usage() {
  cat <<'HELP'
Usage: ./quickstart.sh [--yes]

Brings up a private AI stack from this clone: checks git, Node and npm; finds a Docker Engine, or on Debian and
Ubuntu installs and starts one; installs dependencies; builds; runs `nexus up`; asks the stack a first question.
Where no image registry can be reached it brings up the `starter` stack, which downloads nothing. A nexus.yaml that
is here already is used as it is. Safe to run again.

  --yes    ask nothing
  --help   show this
HELP
}

say() { printf '\n==> %s\n' "$*"; }

fail() {
  printf '\nquickstart: %s\n' "$1" >&2
  shift
  for line in "$@"; do printf '  %s\n' "$line" >&2; done
  exit 1
}

agreed() {
  if $assume_yes; then return 0; fi
  if [[ ! -t 0 ]]; then fail "$1 Nobody can be asked here." "Run ./quickstart.sh --yes to agree beforehand."; fi
  local answer
  read -r -p "$1 [y/N] " answer
  [[ $answer == [yY] || $answer == [yY][eE][sS] ]]
}

as_root() {
  if [[ $EUID -eq 0 ]]; then "$@"; else sudo "$@"; fi
}

have() { command -v "$1" >/dev/null 2>&1; }

is_debian_like() { [[ -r /etc/os-release ]] && grep -Eq '^ID(_LIKE)?=.*(debian|ubuntu)' /etc/os-release; }

check_tools() {
  local missing=()
  for tool in git node npm; do have "$tool" || missing+=("$tool"); done
  if ((${#missing[@]} > 0)); then
    fail "missing here: ${missing[*]}" "Install git and Node 20 or later with npm: https://nodejs.org/en/download"
  fi
  local major
  major=$(node --print 'process.versions.node.split(".")[0]')
  if ((major < 20)); then
    fail "this is Node $(node --version); 20 or later is needed" "https://nodejs.org/en/download"
  fi
}

install_dependencies() {
  local installed=node_modules/.package-lock.json
  if [[ -e $installed && ! package-lock.json -nt $installed ]]; then return; fi
  say "Installing dependencies"
  npm ci --no-audit --no-fund
}

build() {
  local built=oclif.manifest.json
  if [[ -e $built && -e dist/start.cjs && -z $(find src scripts package.json -newer "$built" -print -quit) ]]; then
    return
  fi
  say "Building"
  npm run --silent build
}

# Exit code 0: an engine answers; 3: none does; 4: one refuses, and starting another would not help.
engine_answers() { node_modules/.bin/node scripts/engine-answers.ts; }

engine_is_chosen_elsewhere() { [[ -n ${DOCKER_HOST:-} || -n ${DOCKER_CONTEXT:-} ]]; }

ensure_engine() {
  local complaint status=0
  complaint=$(engine_answers 2>&1) || status=$?
  if ((status == 0)); then return; fi
  if ((status != 3)) || engine_is_chosen_elsewhere; then fail "the Docker Engine cannot be used" "$complaint"; fi
  if [[ $(uname -s) != Linux ]]; then
    fail "no Docker Engine answers" \
      "Install and start Docker Desktop (https://docs.docker.com/get-started/get-docker/)," \
      "OrbStack or Colima, then run this again."
  fi
  have dockerd || install_engine
  start_engine
}

install_engine() {
  if ! is_debian_like || ! have apt-get; then
    fail "no Docker Engine is installed" "Install one: https://docs.docker.com/engine/install/" "Then run this again."
  fi
  if [[ $EUID -ne 0 ]] && ! have sudo; then
    fail "no Docker Engine is installed" "As root run: apt-get install docker.io" "Then run this again."
  fi
  agreed "No Docker Engine is installed. Install Debian's docker.io with apt-get?" || fail "nothing was installed"
  say "Installing a Docker Engine"
  as_root apt-get -q update
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends \
    docker.io ca-certificates iptables
}

start_engine() {
  if engine_answers >/dev/null 2>&1; then return; fi
  if [[ $EUID -ne 0 ]] && ! have sudo; then
    fail "the Docker Engine does not run" "As root run: systemctl start docker" "Then run this again."
  fi
  agreed "The Docker Engine does not run. Start it?" || fail "the Docker Engine was not started"
  say "Starting the Docker Engine"
  if [[ -d /run/systemd/system ]]; then
    as_root systemctl enable --now docker
  else
    # shellcheck disable=SC2024 # the log is root's: the shell below opens it
    as_root sh -c "setsid dockerd >>$daemon_log 2>&1 </dev/null &"
  fi
  await_engine
}

await_engine() {
  local status complaint
  for _ in {1..120}; do
    status=0
    complaint=$(engine_answers 2>&1) || status=$?
    if ((status == 0)); then return; fi
    if ((status == 4)); then break; fi
    sleep 0.5
  done
  if ((status == 4 && EUID != 0)); then
    fail "the Docker Engine runs, but you may not use it yet" \
      "sudo usermod --append --groups docker $(id -un)" "Log in again and run this again."
  fi
  local log=()
  if [[ -r $daemon_log ]]; then mapfile -t log < <(tail -n 15 "$daemon_log"); fi
  fail "the Docker Engine does not answer" "$complaint" ${log[@]+"${log[@]}"}
}

bring_up() {
  local flags=()
  if $assume_yes; then flags+=(--yes); fi
  if [[ -e nexus.yaml ]]; then
    say "Bringing up the stack of nexus.yaml"
    npx nexus up ${flags[@]+"${flags[@]}"}
    return
  fi
  local stack=default reason
  if ! reason=$(node_modules/.bin/node scripts/registry-reachable.ts stacks/default/nexus.yaml 2>&1); then
    stack=starter
    say "No image registry can be reached, so this is the starter stack, which downloads nothing"
    printf '%s\n' "$reason"
    printf 'For the default stack later: npx nexus down && rm nexus.yaml && ./quickstart.sh\n'
  fi
  say "Bringing up the $stack stack"
  npx nexus up --stack "$stack" ${flags[@]+"${flags[@]}"}
}

first_answer() {
  say "nexus chat \"$question\""
  npx nexus chat "$question"
}

next_commands() {
  cat <<'NEXT'

==> It works. Next:
  npx nexus status              what runs, and how sure Nexus is of it
  npx nexus chat "..."          ask it something
  npx nexus keys add my-app     a key for a program of yours
  npx nexus add service <id>    one more service; `npx nexus catalog` lists them
  npx nexus logs -f             what the services say
  npx nexus down                stop it all; volumes and keys stay
NEXT
}

main() {
  while (($# > 0)); do
    case $1 in
      --yes | -y) assume_yes=true ;;
      --help | -h)
        usage
        return
        ;;
      *)
        usage >&2
        exit 2
        ;;
    esac
    shift
  done
  cd "$(dirname "${BASH_SOURCE[0]}")"
  export npm_config_loglevel=${npm_config_loglevel:-error} npm_config_update_notifier=false
  check_tools
  install_dependencies
  ensure_engine
  build
  bring_up
  first_answer
  next_commands
}

main "$@"
