#!/usr/bin/env bash
# From a fresh machine to a table that compares the plain Transformer with SSE on real text.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

corpus=libreoffice-help
pairs=""
updates=""
seed=1
output=""
from=""
smoke=""
systems=baseline,sse_se
full_pairs=10000
full_updates=4000

usage() {
    cat <<EOF
Usage: scripts/quickstart.sh [options]

Sets up, fetches real English-German text, trains a small Transformer without and with SSE,
translates held-out text with each system, scores it with sacreBLEU and prints the comparison.
Started again after an interruption, it goes on where it stopped; started again with another
--seed, it adds a run of each system to the same table.

  --corpus NAME   libreoffice-help or multi30k (default: $corpus)
  --from DIR      multi30k: take the files from DIR instead of downloading them
  --pairs N       training pairs (default: $full_pairs)
  --updates N     length of each training (default: $full_updates)
  --seed N        seed of the trainings (default: $seed)
  --systems LIST  which of $(known_systems) to train, the first being what the others are
                  compared with (default: $systems)
  --output DIR    where everything goes (default: quickstart, quickstart-smoke with --smoke)
  --smoke         the same steps in a few minutes; the models learn next to nothing
  --help          this text
EOF
}

known_systems() {
    local path names=()
    for path in "$here"/configs/quickstart/*.yaml; do
        path="${path##*/}"
        names+=("${path%.yaml}")
    done
    local IFS=,
    printf '%s' "${names[*]}"
}

fail() {
    printf 'quickstart: %s\n' "$1" >&2
    exit 2
}

while [ $# -gt 0 ]; do
    case "$1" in
        --help) usage; exit 0 ;;
        --smoke) smoke=1; shift ;;
        --corpus | --from | --pairs | --updates | --seed | --systems | --output)
            [ $# -ge 2 ] || fail "$1 needs a value."
            case "$1" in
                --systems)
                    for system in ${2//,/ }; do
                        [ -f "$here/configs/quickstart/$system.yaml" ] \
                            || fail "$1 must be of $(known_systems), but has '$system'."
                    done
                    [[ "$2" =~ ^[a-z_]+(,[a-z_]+)*$ ]] || fail "$1 must be names between commas, but is '$2' instead."
                    ;;
                --seed) [[ "$2" =~ ^[0-9]+$ ]] || fail "$1 must be a whole number, but is '$2' instead." ;;
                --pairs | --updates)
                    [[ "$2" =~ ^[1-9][0-9]*$ ]] || fail "$1 must be a whole number above 0, but is '$2' instead."
                    ;;
            esac
            declare "${1#--}=$2"
            shift 2
            ;;
        *) fail "the option '$1' is unknown; see --help." ;;
    esac
done
if [ -n "$smoke" ]; then
    pairs="${pairs:-2000}" updates="${updates:-60}" pieces=1000 valid=100 test=100
    output="${output:-quickstart-smoke}"
else
    pairs="${pairs:-$full_pairs}" updates="${updates:-$full_updates}" pieces=3000 valid=1000 test=2000
    output="${output:-quickstart}"
fi

step() {
    local title="$1" start=$SECONDS
    shift
    printf '\n== %s\n' "$title" >&2
    run "$@"
    printf '== done in %d s\n' $((SECONDS - start)) >&2
}

# Every training of a system is compared, whatever its seed.
runs_of() {
    local score
    for score in "$output/runs/$1".*/scores/test.json; do
        [ -e "$score" ] && printf '%s=%s\n' "$1" "${score%/scores/test.json}"
    done
}

. "$here/scripts/children.sh"
run "$here/scripts/setup.sh"
sse_nmt="$here/.venv/bin/sse-nmt"
configs="$here/configs/quickstart"
IFS=, read -ra systems <<<"$systems"

step "1/4 Text" "$sse_nmt" prepare "$corpus" "$output/data" --pairs "$pairs" --vocab-size "$pieces" \
    --valid "$valid" --test "$test" ${from:+--from "$from"}

if [[ " ${systems[*]} " == *" sse_graph "* ]] && [ ! -f "$output/data/graph.npz" ]; then
    step "A knowledge graph" "$sse_nmt" graph build pivot "$output/data/graph.npz" \
        --dictionary "$output/data/bin/dict.en.txt" \
        --source "$output/data/pieces/train.en" --target "$output/data/pieces/train.de" >/dev/null
fi

trainings=()
for system in "${systems[@]}"; do
    trainings+=("$configs/$system.yaml=$output/runs/$system.$seed")
done
step "2/4 Training ${systems[*]}, $updates updates" \
    "$sse_nmt" train "$output/data" "${trainings[@]}" --seed "$seed" --updates "$updates"

for system in "${systems[@]}"; do
    step "3/4 Translating and scoring with $system" \
        "$sse_nmt" evaluate "$output/runs/$system.$seed" >/dev/null
done

mapfile -t runs < <(for system in "${systems[@]}"; do runs_of "$system"; done)
printf '\n== 4/4 Comparison (%d s in all)\n\n' "$SECONDS" >&2
run "$sse_nmt" compare "${runs[@]}" --output "$output/comparison"
printf '%s\n' "$output/data" "$output/runs"
