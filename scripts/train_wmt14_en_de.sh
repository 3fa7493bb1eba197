#!/usr/bin/env bash
# Trains one system of the WMT14 English-German experiment in a run folder; started again, it goes on where it stopped.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

usage() {
    cat <<EOF
Usage: scripts/train_wmt14_en_de.sh DATA RUN SYSTEM [KEY=VALUE ...]

Trains SYSTEM ($(systems)) on DATA, as left by scripts/prepare_wmt14_en_de.sh, in the folder RUN.
Further words change values of configs/wmt14_en_de/SYSTEM.yaml, as fairseq-hydra-train's overrides do:
common.seed=2, or common.tensorboard_logdir=tensorboard for TensorBoard's files in RUN/tensorboard.
EOF
}

systems() {
    local path names=()
    for path in "$here"/configs/wmt14_en_de/*.yaml; do
        path="${path##*/}"
        names+=("${path%.yaml}")
    done
    printf '%s' "${names[*]}"
}

fail() {
    printf 'train_wmt14_en_de: %s\n' "$1" >&2
    exit 2
}

[ "${1:-}" != --help ] || { usage; exit 0; }
[ $# -ge 3 ] || fail "DATA, RUN and SYSTEM are needed, but $# words were given; see --help."
data="$1" run="$2" config="$here/configs/wmt14_en_de/$3.yaml"
[ -f "$config" ] || fail "SYSTEM must be one of $(systems), but is '$3' instead."
shift 3
overrides=()
for word in "$@"; do overrides+=(--set "$word"); done

. "$here/scripts/children.sh"
run "$here/scripts/setup.sh"
exec "$here/.venv/bin/sse-nmt" train "$data" "$config=$run" "${overrides[@]}"
