#!/usr/bin/env bash
# packages.sh LIST...
# Installs the Debian packages of tools/packages-LIST.txt that are missing. A Rust belongs to those
# of `build`, and a Node.js to those of `test`, only where none works already: somebody's own is
# better left alone.
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
source tools/steps.sh
source tools/rust.sh
source tools/node.sh
export LC_ALL=C  # `sort` and `comm` have to agree on the order.

lists=("$@")
if [[ " $* " == *" build "* && -z $(rust_folder) ]]; then
    lists+=(rust)
fi
if [[ " $* " == *" test "* ]] && ! has_node; then
    lists+=(node)
fi

mapfile -t wanted < <(for list in "${lists[@]}"; do cat "tools/packages-$list.txt"; done |
    sort --unique)

if ! command -v dpkg-query >/dev/null; then
    note "This is not Debian: these packages, or what they stand for, are taken to be there:"
    note "  ${wanted[*]}"
    exit 0
fi

mapfile -t missing < <(comm -23 <(printf '%s\n' "${wanted[@]}") \
    <(dpkg-query --show --showformat='${Package} ${db:Status-Status}\n' "${wanted[@]}" 2>/dev/null |
        awk '$2 == "installed" { print $1 }' | sort --unique))
if ((${#missing[@]} == 0)); then
    there "Debian packages for: ${lists[*]}"
    exit 0
fi

as_root=(env DEBIAN_FRONTEND=noninteractive)
if ((EUID != 0)); then
    # Asks for the password now, while the output is still on the screen.
    sudo --validate || fail "Debian packages are missing: ${missing[*]}" \
        "as root: apt-get install ${missing[*]}"
    as_root=(sudo "${as_root[@]}")
fi

install_missing() {
    # A third party's broken source is no reason to stop: what matters is whether install succeeds.
    "${as_root[@]}" apt-get update || true
    "${as_root[@]}" apt-get install --yes --no-remove --no-install-recommends \
        --option DPkg::Lock::Timeout=600 "${missing[@]}"
}
step packages "installing ${#missing[@]} Debian packages: ${missing[*]}" \
    "run apt-get update and apt-get install ${missing[*]} by hand; Debian 12 has them all" \
    install_missing
