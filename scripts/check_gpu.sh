#!/usr/bin/env bash
# Checks and measures everything on this machine's NVIDIA GPU, in about ten minutes.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

usage() {
    cat <<EOF
Usage: scripts/check_gpu.sh [--python PYTHON] [option ...]

Leaves gpu_check.json and gpu_check.md in the folder gpu_check: device, driver and versions; draws, losses, training
steps, short trainings and tests, each passed or failed. Ends with 1 where a line failed, or where there is no GPU.

  --python PYTHON       use this Python and the packages that it has (default: .venv, made if there is none)
  --help                this text

Further options are those of \`sse-nmt bench gpu\`, among them --output DIR, --rounds N and --parts PART,….
EOF
}

fail() {
    printf 'check_gpu: %s\n' "$1" >&2
    exit 2
}

python=""
words=()
while [ $# -gt 0 ]; do
    case "$1" in
        --help) usage; exit 0 ;;
        --python)
            [ $# -ge 2 ] || fail "$1 needs a value."
            python="$2"
            shift 2
            ;;
        *) words+=("$1"); shift ;;
    esac
done
if [ -z "$python" ]; then
    . "$here/scripts/children.sh"
    run "$here/scripts/setup.sh"
    python="$here/.venv/bin/python"
fi
command -v "$python" >/dev/null || fail "--python must be a program, but there is no $python."
PYTHONPATH="$here${PYTHONPATH:+:$PYTHONPATH}" exec "$python" -m sse_nmt bench gpu --parts draw,loss,attention,step,training,tests "${words[@]}"
