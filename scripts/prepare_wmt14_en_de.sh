#!/usr/bin/env bash
# Fetches, cleans, segments and binarises the WMT14 English-German text; started again, it goes on where it stopped.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

usage() {
    cat <<EOF
Usage: scripts/prepare_wmt14_en_de.sh DATA [option ...]

Fills the folder DATA with Europarl v7, Common Crawl and News Commentary v9 as fairseq trains on them. Options are
those of \`sse-nmt prepare wmt14-en-de\`, among them --mirror URL (archives from elsewhere) and --vocab-size N.
EOF
}

fail() {
    printf 'prepare_wmt14_en_de: %s\n' "$1" >&2
    exit 2
}

[ "${1:-}" != --help ] || { usage; exit 0; }
[ $# -ge 1 ] || fail "DATA is needed, but no word was given; see --help."
[[ "$1" != -* ]] || fail "DATA must come first, but is '$1' instead; see --help."

. "$here/scripts/children.sh"
run "$here/scripts/setup.sh"
exec "$here/.venv/bin/sse-nmt" prepare wmt14-en-de "$@"
