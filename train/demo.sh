#!/usr/bin/env bash
# The whole path on one machine: prepare, pretrain, evaluate, reload, classify one file.
#     train/demo.sh PTB_XL_FOLDER OUTPUT_FOLDER        (make demo DATA=PTB_XL_FOLDER calls it)
# A step whose result is there is not done again; an interrupted pretraining goes on where it stopped.
set -euo pipefail

data=$1
out=$2
python=${PYTHON:-python}
here=$(dirname "$0")
corpus=$out/corpus
export TOKENIZERS_PARALLELISM=false

step() { printf '\n== %s\n' "$1"; }

pretrain() { # RECIPE OUTPUT [section.key=value ...]
    if [ -e "$2/config.json" ]; then
        echo "$2 is there already"
        return
    fi
    resume=()
    if [ -e "$2/recipe.yaml" ]; then
        resume=(--resume latest)
    fi
    "$python" "$here/pretrain.py" --config "$here/recipes/$1.yaml" --output_dir "$2" "${resume[@]}" \
        "data.path=$corpus" "${@:3}"
}

mkdir -p "$out"
step "1/6 prepare: $data to parquet"
if [ ! -e "$corpus/README.md" ]; then
    "$python" "$here/../dataset_scripts/ptb_xl.py" --data_dir "$data" --output_dir "$corpus"
fi

step "2/6 pretrain an ECGTextModel on the statements of folds 1 to 7, selected on fold 8"
pretrain demo "$out/clep"

step "3/6 train its supervised companion: the same network, records and budget, on the labels"
pretrain bce_ptb_xl "$out/bce" run.epochs=8 "data.folds.train=[1,2,3,4,5,6,7]" "data.folds.validation=[8]"

step "4/6 label-text classification on folds 9 and 10, beside the companion and a random encoder"
"$python" "$here/zero_shot.py" --model "$out/clep" --supervised "$out/bce" --random --data "$corpus" --folds 9,10 \
    --prompts ptb_xl_superdiagnostic ptb_xl_subdiagnostic ptb_xl_form ptb_xl_rhythm --output "$out/label_text.json"

step "5/6 linear probe of the frozen encoder on 1, 10 and 100 % of the training patients"
"$python" "$here/linear_probe.py" --model "$out/clep/encoder" --supervised "$out/bce" --random --data "$corpus" \
    --label_set superdiagnostic --train_folds 1-7 --validation_folds 8 --test_folds 9,10 --fractions 1,10,100 \
    --output "$out/linear_probe.json"

step "6/6 reload the model and classify one WFDB file by prompts"
record=$(find "$data/records100" -name '*_lr.hea' | sort | sed -n 1p) # not head: it would end sort with SIGPIPE
echo "$record"
"$python" "$here/classify.py" "$record" --model "$out/clep" --prompts ptb_xl_superdiagnostic
"$python" "$here/classify.py" "$record" --model "$out/clep" --prompts "atrial fibrillation" "sinus rhythm"

printf '\nmodel: %s, encoder alone: %s\ntables: %s, %s\n' \
    "$out/clep" "$out/clep/encoder" "$out/label_text.md" "$out/linear_probe.md"
