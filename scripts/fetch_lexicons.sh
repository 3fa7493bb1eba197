#!/usr/bin/env bash
# Fetches English, German and German-English word lists from Debian's packages, for `sse-nmt graph build lexicon`.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

usage() {
    cat <<EOF
Usage: scripts/fetch_lexicons.sh DIR

Fills the folder DIR with pairs of single words, word<TAB>word a line, and prints how many there are:

  english.tsv           synonyms, from WordNet (wordnet-base)
  german.tsv            synonyms, from OpenThesaurus (mythes-de)
  german-english.tsv    translations, from the dictionary of TU Chemnitz (trans-de-en)

Root is not needed where apt-get has package lists. What is in DIR/packages is not fetched again.
EOF
}

fail() {
    printf 'fetch_lexicons: %s\n' "$1" >&2
    exit 2
}

[ "${1:-}" != --help ] || { usage; exit 0; }
[ $# -eq 1 ] || fail "DIR is needed, but $# words were given; see --help."
[[ "$1" != -* ]] || fail "the option '$1' is unknown; see --help."

. "$here/scripts/children.sh"
run "$here/scripts/setup.sh"
exec "$here/.venv/bin/sse-nmt" graph fetch-lexicons "$1"
