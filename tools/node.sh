# shellcheck shell=bash
# Sourced: whether a Node.js is there that works.

# The oldest one that the clients of tests/clients run on; Debian 12 has it.
node_major_min=18

has_node() {
    local version
    version=$(node --version 2>/dev/null </dev/null) || return
    [[ $version =~ ^v([0-9]+)\. ]] || return
    ((BASH_REMATCH[1] >= node_major_min)) || return
    npm --version &>/dev/null </dev/null
}
