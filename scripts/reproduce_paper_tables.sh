#!/usr/bin/env bash
# The six tasks of the paper that introduced SSE, on data that comes in packages: trained over seeds, scored, and set in tables.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

tables=(matrix_factorization bpr sasrec translation language_model classification fine_tuning)
seeds=5
jobs="$(env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc)" # which nproc would answer with
output=paper_tables
smoke=""
half=""
asked=()

usage() {
    cat <<EOF
Usage: scripts/reproduce_paper_tables.sh [TABLE ...] [options]

Fetches what a table needs, trains its systems with each seed, scores them on held-out data and prints the table. Started again,
it goes on where it stopped.

  TABLE         of ${tables[*]} (default: all)
  --seeds N     trainings of each system (default: $seeds)
  --jobs N      trainings at a time, of one thread each (default: as many as cores)
  --output DIR  where everything goes (default: $output, ${output}_smoke with --smoke)
  --fp16        fairseq trains in half precision, on a GPU
  --smoke       the same steps in minutes, one seed; the models learn next to nothing
  --help        this text
EOF
}

fail() {
    printf 'reproduce_paper_tables: %s\n' "$1" >&2
    exit 2
}

one=""
while [ $# -gt 0 ]; do
    case "$1" in
        --help) usage; exit 0 ;;
        --smoke) smoke=1; shift ;;
        --fp16) half=1; shift ;;
        --one) one="$2 $3 $4"; shift 4 ;; # of ourselves: TABLE SYSTEM SEED
        --seeds | --jobs | --output)
            [ $# -ge 2 ] || fail "$1 needs a value."
            [ "$1" = --output ] || [[ "$2" =~ ^[1-9][0-9]*$ ]] \
                || fail "$1 must be a whole number above 0, but is '$2' instead."
            declare "${1#--}=$2"
            shift 2
            ;;
        -*) fail "the option '$1' is unknown; see --help." ;;
        *)
            [[ " ${tables[*]} " == *" $1 "* && "$1" != *" "* ]] || fail "a table must be one of ${tables[*]}, but is '$1' instead."
            asked+=("$1")
            shift
            ;;
    esac
done
if [ -n "$smoke" ]; then
    seeds=1
    [ "$output" != paper_tables ] || output=paper_tables_smoke
fi
[ ${#asked[@]} -gt 0 ] || asked=("${tables[@]}")
. "$here/scripts/children.sh"

# What was begun goes on in the same way, so that a table's runs can be compared: begun FOLDER OPTIONS
begun() {
    local before="$1/options.txt"
    mkdir -p "$1"
    [ -e "$before" ] || echo "$2" >"$before"
    [ "$(cat "$before")" = "$2" ] \
        || fail "$1 must go on with the options that it was begun with, '$(cat "$before")', but they are '$2' instead: give another --output."
}

# or_smoke USUAL SMOKE
or_smoke() { if [ -n "$smoke" ]; then echo "$2"; else echo "$1"; fi; }

systems_of() {
    case "$1${smoke:+_smoke}" in
        matrix_factorization_smoke | bpr_smoke | sasrec_smoke) echo plain sse_graph ;;
        *_smoke) echo plain sse_se ;;
        matrix_factorization | bpr) echo plain dropout sse_se sse_graph dropout_sse_se ;;
        sasrec) echo plain sse_se sse_graph sse_labels ;;
        language_model) echo plain sse_se sse_labels ;;
        classification | fine_tuning) echo plain sse_se ;;
    esac
}

# What fairseq is told of SSE: words_of TABLE SYSTEM
words_of() {
    local prob=0.01
    [ "$1" != sasrec ] || prob=0.05 # chosen on validation
    case "$2" in
        plain) words=(--sse-prob 0) ;;
        sse_se) words=(--sse-prob "$prob") ;;
        sse_labels) words=(--sse-prob "$prob" --sse-prob-label 0.01) ;;
        sse_graph) words=(--sse-prob "$prob" --sse-graph "$output/sasrec/data/graph.npz" --sse-neighbour-mass 0.5) ;;
    esac
}

# What is said on standard error goes to LOG, and its last line into the sentence where it fails: logged SENTENCE LOG COMMAND ...
logged() {
    local sentence="$1" log="$2"
    shift 2
    "$@" 2>>"$log" || fail "$sentence: $(tail -n 1 "$log") ($log)"
}

# Data for fairseq in DIR/bin, of DIR/SPLIT.ENDING: binarise DIR ENDING [option ...]
binarise() {
    local dir="$1" end="$2"
    shift 2
    [ -e "$dir/bin/done" ] && return
    rm -rf "$dir/bin"
    logged "$dir was not binarised" "$dir/preprocess.log" \
        fairseq-preprocess --only-source --trainpref "$dir/train.$end" --validpref "$dir/valid.$end" --testpref "$dir/test.$end" \
        --destdir "$dir/bin" "$@" >>"$dir/preprocess.log"
    touch "$dir/bin/done"
}

prepare() {
    local data
    case "$1" in
        sasrec)
            data="$output/sasrec/data"
            [ -e "$data/graph.npz" ] && return
            python "$here/examples/sasrec_data.py" "$data" --downloads "$output/downloads"
            binarise "$data" films --srcdict "$data/dict.txt"
            sse-nmt graph build edges "$data/graph.npz" --dictionary "$data/bin/dict.txt" --edges "$data/edges.tsv"
            ;;
        language_model | classification)
            data="$output/text"
            [ -e "$data/classes/label/bin/done" ] && return
            python "$here/examples/text_data.py" "$data" ${smoke:+--documents 60 --reviews 400 --vocab-size 1000}
            binarise "$data/lm" txt
            mkdir -p "$data/classes/bin"
            ln -sfn ../input0/bin "$data/classes/bin/input0"
            ln -sfn ../label/bin "$data/classes/bin/label"
            binarise "$data/classes/input0" txt --srcdict "$data/lm/bin/dict.txt"
            binarise "$data/classes/label" txt
            ;;
    esac
}

# train CHECKPOINTS DATA TASK SEED [option ...]
train() {
    local checkpoints="$1" data="$2" task="$3" seed="$4"
    shift 4
    [ -e "$checkpoints/trained" ] && return # started again, fairseq would take one more update
    mkdir -p "$checkpoints"
    logged "$(basename "$checkpoints") was not trained" "$checkpoints.log" \
        fairseq-train "$data" --user-dir "$here/sse_nmt" --task "$task" --seed "$seed" --save-dir "$checkpoints" --num-workers 0 \
        --required-batch-size-multiple 1 --optimizer adam --adam-betas '(0.9, 0.98)' --log-format simple --log-interval 100 \
        --no-progress-bar ${half:+--fp16} "$@" >>"$checkpoints.log"
    touch "$checkpoints/trained"
}

run_one() {
    local table="$1" system="$2" seed="$3" runs="$output/$1/runs" checkpoints="$output/$1/$2.$3" words=()
    [ -e "$runs/$system.$seed.npz" ] && return
    words_of "$table" "$system"
    mkdir -p "$output/$table"
    local out=(--system "$system" --seed "$seed" --output "$runs")
    # The criterion is cross-entropy, in less time. Widths of the tables are given too: fairseq's default for them is 512. A line
    # of SASRec is 100 films, the one that is asked for and the end; a block of the masked model leaves room for its two ends.
    local transformer_lm=(--arch transformer_lm --decoder-layers 2 --share-decoder-input-output-embed
        --criterion fused_label_smoothed_cross_entropy --label-smoothing 0 --loss-chunk-tokens 256)
    local roberta=(--arch roberta_base --encoder-layers 4 --encoder-embed-dim 128 --encoder-ffn-embed-dim 512
        --encoder-attention-heads 4 --max-positions 256 --dropout 0.1 --fast-dropout)
    case "$table" in
        matrix_factorization | bpr)
            python "$here/examples/$table.py" "${out[@]}" --downloads "$output/downloads" ${smoke:+--epochs 1}
            ;;
        fine_tuning)
            logged "$system.$seed was not trained" "$checkpoints.log" \
                python "$here/examples/fine_tuning.py" "${out[@]}" --downloads "$output/text/packages" \
                ${smoke:+--reviews 400 --epochs 1}
            ;;
        sasrec)
            train "$checkpoints" "$output/sasrec/data/bin" language_modeling_sse "$seed" "${transformer_lm[@]}" \
                --decoder-embed-dim 64 --decoder-input-dim 64 --decoder-output-dim 64 --decoder-ffn-embed-dim 64 \
                --decoder-attention-heads 1 --dropout 0.3 --sample-break-mode eos --tokens-per-sample 102 \
                --batch-size 64 --lr 0.008 --lr-scheduler inverse_sqrt --warmup-updates 100 --max-epoch "$(or_smoke 80 2)" \
                --save-interval "$(or_smoke 5 1)" --no-last-checkpoints --disable-validation "${words[@]}"
            logged "$system.$seed was not scored" "$checkpoints.log" python "$here/examples/sasrec_rank.py" "$output/sasrec/data/bin" "$checkpoints" "${out[@]}"
            ;;
        language_model)
            train "$checkpoints" "$output/text/lm/bin" language_modeling_sse "$seed" "${transformer_lm[@]}" \
                --decoder-embed-dim 128 --decoder-input-dim 128 --decoder-output-dim 128 --decoder-ffn-embed-dim 512 \
                --decoder-attention-heads 2 --dropout 0.1 --fast-dropout --sample-break-mode none --tokens-per-sample 128 \
                --max-tokens 4096 --lr 0.002 --lr-scheduler inverse_sqrt --warmup-updates 400 \
                --max-update "$(or_smoke 2000 20)" --no-epoch-checkpoints "${words[@]}"
            logged "$system.$seed was not scored" "$checkpoints.log" python "$here/examples/text_score.py" "$output/text/lm/bin" "$checkpoints" "${out[@]}"
            ;;
        classification)
            train "$checkpoints.masked" "$output/text/lm/bin" masked_lm_sse "$seed" "${roberta[@]}" --criterion masked_lm \
                --attention-dropout 0 --sample-break-mode none --tokens-per-sample 126 --max-tokens 4096 --lr 0.001 \
                --lr-scheduler inverse_sqrt --warmup-updates 400 --max-update "$(or_smoke 2000 20)" \
                --no-epoch-checkpoints "${words[@]}"
            train "$checkpoints" "$output/text/classes/bin" sentence_prediction_sse "$seed" "${roberta[@]}" \
                --attention-dropout 0.1 --criterion sentence_prediction --num-classes 2 --init-token 0 --batch-size 32 --lr 0.0003 \
                --lr-scheduler inverse_sqrt --warmup-updates 100 --max-epoch "$(or_smoke 8 1)" \
                --restore-file "$checkpoints.masked/checkpoint_best.pt" --reset-optimizer --reset-dataloader --reset-meters \
                --best-checkpoint-metric accuracy --maximize-best-checkpoint-metric --no-epoch-checkpoints "${words[@]}"
            logged "$system.$seed was not scored" "$checkpoints.log" python "$here/examples/text_score.py" "$output/text/classes/bin" "$checkpoints" "${out[@]}"
            ;;
    esac
    rm -rf "$checkpoints" "$checkpoints.masked"
}

if [ -n "$one" ]; then
    # shellcheck disable=SC2086
    run_one $one
    exit
fi
begun "$output" "${smoke:+--smoke}"
for table in "${asked[@]}"; do
    [ "$table" = translation ] || begun "$output/$table" "${half:+--fp16}"
done
run "$here/scripts/setup.sh"
. "$here/.venv/bin/activate"
export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE
mkdir -p "$output/downloads"
for table in "${asked[@]}"; do
    if [ "$table" = translation ]; then
        for ((seed = 1; seed <= seeds; seed++)); do
            run "$here/scripts/quickstart.sh" --seed "$seed" ${smoke:+--smoke --systems sse_se} --output "$output/translation"
        done
        continue
    fi
    prepare "$table"
    for ((seed = 1; seed <= seeds; seed++)); do
        for system in $(systems_of "$table"); do printf '%s %s %s\n' "$table" "$system" "$seed"; done
    done >"$output/$table.list"
    run xargs -P "$jobs" -L 1 -a "$output/$table.list" "$0" --output "$output" ${smoke:+--smoke} ${half:+--fp16} --one
    rm "$output/$table.list"
    printf '\n%s\n\n' "$table"
    python "$here/examples/runs.py" "$output/$table/runs"
done
