# shellcheck shell=bash disable=SC2154
# Sourced after steps.sh and pins.sh, which set `cache` and the versions: pip, with the versions of
# build requirements pinned too.

# Debian's own where it is: a python3 further ahead in PATH may have no pip.
python=/usr/bin/python3
[[ -x $python ]] || python=python3

pip() {
    printf '%s\n' "${llama_build_requirements[@]}" "${peer_build_requirements[@]}" \
        >"$cache/build-requirements.txt"
    # pip's cache of wheels knows neither build options nor the CPU: a wheel from it could die of
    # an illegal instruction here.
    PIP_CONSTRAINT=$cache/build-requirements.txt PIP_NO_CACHE_DIR=1 \
        "$python" -m pip --no-input --disable-pip-version-check "$@"
}
