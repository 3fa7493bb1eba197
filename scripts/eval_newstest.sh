#!/usr/bin/env bash
# Scores runs on newstest2008-2018, English-German, and prints the table that compares them.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

output=newstest
average=""
search=()
words=()

usage() {
    cat <<EOF
Usage: scripts/eval_newstest.sh [options] RUN ...

Translates all eleven sets with each run, scores them with sacreBLEU and compares the systems. RUN is a run folder,
or NAME=RUN; runs of one system are its seeds, and the first system is the baseline. Runs scored before are not
translated again. Where SACREBLEU points at a folder that has the sets, no network is needed.

  --output DIR          where Markdown, CSV, JSON, HTML and the picture go (default: $output)
  --average N           average the last N checkpoints of each run first, and score that
  --checkpoint NAME     which checkpoint to score (default: the best by validation loss)
  --beam N, --length-penalty X, --engine NAME, --compute-type TYPE, --max-length N, --batch-tokens N
                        as for sse-nmt newstest
  --help                this text
EOF
}

fail() {
    printf 'eval_newstest: %s\n' "$1" >&2
    exit 2
}

while [ $# -gt 0 ]; do
    case "$1" in
        --help) usage; exit 0 ;;
        --output | --average | --checkpoint | --beam | --length-penalty | --engine | --compute-type | --max-length | \
            --batch-tokens)
            [ $# -ge 2 ] || fail "$1 needs a value."
            case "$1" in
                --output) output="$2" ;;
                --average)
                    [[ "$2" =~ ^[1-9][0-9]*$ ]] || fail "$1 must be a whole number above 0, but is '$2' instead."
                    average="$2"
                    ;;
                *) search+=("$1" "$2") ;;
            esac
            shift 2
            ;;
        -*) fail "the option '$1' is unknown; see --help." ;;
        *) words+=("$1"); shift ;;
    esac
done
[ ${#words[@]} -gt 0 ] || fail "at least one RUN is needed, but none was given; see --help."
for word in "${words[@]}"; do
    [ -f "${word#*=}/run.json" ] || fail "RUN must be a run folder, but ${word#*=} holds no run.json."
done

. "$here/scripts/children.sh"
run "$here/scripts/setup.sh"
sse_nmt="$here/.venv/bin/sse-nmt"
[ -z "$average" ] || search+=(--checkpoint checkpoint_average.pt)
for word in "${words[@]}"; do
    [ -z "$average" ] || run "$sse_nmt" average "${word#*=}" --last "$average" >/dev/null
    run "$sse_nmt" newstest "${word#*=}" "${search[@]}"
done
printf '\n'
run "$sse_nmt" compare "${words[@]}" --newstest --published-scores --output "$output"
