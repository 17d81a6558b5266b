# shellcheck shell=bash
# Sourced, in the root of the checkout, by the scripts beside it: where things are kept, and what a
# step looks like. Progress goes to stderr; stdout carries a script's one result, a path.
set -euo pipefail
shopt -s inherit_errexit

# Outlives the checkout: what is fetched and built here is the same for every checkout.
cache=${XDG_CACHE_HOME:-${HOME:?HOME is not set}/.cache}/llm-worker-rbee
mkdir -p "$cache/logs"

if [[ -t 2 && -z ${NO_COLOR:-} ]]; then
    green=$'\e[32m' red=$'\e[31m' dim=$'\e[2m' plain=$'\e[0m'
else
    green='' red='' dim='' plain=''
fi

note() { printf '%s\n' "$*" >&2; }
there() { note "${green}ok${plain}    $1 ${dim}(already there)${plain}"; }

# fail WHAT REMEDY
fail() {
    note "${red}FAIL${plain}  $1"
    note "      Remedy: $2"
    exit 1
}

# Holds the lock NAME until this script ends, so that two makes at once do a thing once.
locked=''
lock() {
    locked=$1
    exec 9>"$cache/$locked.lock"
    if ! flock --nonblock 9; then
        note "...   waiting for another make that is at the same step"
        flock 9
    fi
}

# Tells how far the command that writes LOG has come: in place on a terminal, else once a minute.
follow() {
    local log=$1 began=$SECONDS said=$SECONDS progress
    while sleep 1 && kill -0 $$ 2>/dev/null; do
        progress=$(grep --text --only-matching '\[[0-9]*/[0-9]*\]' "$log" | tail -n 1) || true
        if [[ -t 2 ]]; then
            printf '\r\e[K%s      %s s %s%s' "$dim" $((SECONDS - began)) "$progress" "$plain" >&2
        elif ((SECONDS - said >= 60)); then
            said=$SECONDS
            note "      $((SECONDS - began)) s $progress"
        fi
    done
}

follower=''
stop_following() {
    [[ -n $follower ]] || return 0
    kill "$follower" 2>/dev/null || true
    wait "$follower" 2>/dev/null || true
    follower=''
    [[ ! -t 2 ]] || printf '\r\e[K' >&2
}
trap stop_following EXIT

# step NAME WHAT REMEDY COMMAND...
# Runs the command, a function with errexit on, with its output in the log NAME. On failure says
# where that log lies, shows its end, and ends the script.
step() {
    local name=$1 what=$2 remedy=$3 began=$SECONDS status=0
    local log=$cache/logs/$name.log
    shift 3
    note "...   $what"
    : >"$log"
    follow "$log" >/dev/null 9>&- &
    follower=$!
    set +e  # A condition here would switch errexit off inside the function as well.
    (set -e; "$@") >"$log" 2>&1
    status=$?
    set -e
    stop_following
    if ((status != 0)); then
        note "${dim}$(tail -n 25 "$log")${plain}"
        fail "$what (after $((SECONDS - began)) s; all output: $log)" "$remedy"
    fi
    note "${green}ok${plain}    $what: $((SECONDS - began)) s"
}

# A new folder on the cache's own disk, for what is renamed into place once it is whole; gone with
# the step that asked for it, and what a killed one left is gone with the next.
# Requires: this script holds a lock, which is the folder's name too.
scratch=''
make_scratch() {
    scratch=$cache/partial-$locked
    rm -rf "$scratch"
    mkdir "$scratch"
    trap 'rm -rf "$scratch"' EXIT
}

has_checksum() { [[ -f $1 ]] && sha256sum --check --status <<<"$2  $1"; }

# llama.cpp is built for the very CPU it runs on. A home folder may be shared by different ones, so
# the CPU's features are a part of a build's key.
cpu_features() {
    uname -m
    grep --max-count 1 -E '^(flags|Features)' /proc/cpuinfo | cut -d: -f2 | tr ' ' '\n' | sort
}
