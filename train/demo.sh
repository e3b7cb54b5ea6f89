#!/usr/bin/env bash
# The whole path on one machine: prepare, pretrain, evaluate, reload, classify one file; a card and pictures at the end.
#     train/demo.sh PTB_XL_FOLDER OUTPUT_FOLDER        (make demo DATA=PTB_XL_FOLDER calls it)
#     train/demo.sh simulated OUTPUT_FOLDER            (make demo calls it: no data needed, and no result either)
# A step whose result is there is not done again; an interrupted pretraining goes on where it stopped.
set -euo pipefail
trap 'printf "\ninterrupted: the same command goes on from here\n" >&2; exit 130' INT

data=$1
out=$2
python=${PYTHON:-python}
here=$(dirname "$0")
corpus=$out/corpus
export TOKENIZERS_PARALLELISM=false
# pictures and the simulator are modules of the package: a checkout works without installation
export PYTHONPATH="$here/..${PYTHONPATH:+:$PYTHONPATH}"

if [ "$data" = simulated ]; then
    config=simulated_100hz
    recipe=demo_simulated
    companion=(run.epochs=5 "data.sources.0.config=$config" "data.label_sets=[diagnostic,form,rhythm]"
        "validation.label_sets=[diagnostic,form,rhythm]")
    prompts=(simulated_diagnostic simulated_form simulated_rhythm)
    probe=diagnostic
    classify_by=simulated_diagnostic
else
    config=ptb_xl_100hz
    recipe=demo
    companion=(run.epochs=8)
    prompts=(ptb_xl_superdiagnostic ptb_xl_subdiagnostic ptb_xl_form ptb_xl_rhythm)
    probe=superdiagnostic
    classify_by=ptb_xl_superdiagnostic
fi

step() { printf '\n== %s\n' "$1"; }

warn() { # beside every figure
    if [ "$data" = simulated ]; then
        printf '\n*** %s ***\n' "SIMULATED records: these figures show that everything runs. They are not results."
    fi
}

pretrain() { # RECIPE OUTPUT [section.key=value ...]
    if [ -e "$2/config.json" ]; then
        echo "$2 is there already"
        return
    fi
    resume=()
    if [ -e "$2/recipe.yaml" ]; then
        resume=(--resume latest)
    fi
    "$python" "$here/pretrain.py" --config "$1" --data "$corpus" --output_dir "$2" "${resume[@]}" "${@:3}"
}

if [ -e "$corpus" ] && [ ! -e "$corpus/$config" ]; then
    echo "$corpus holds another corpus than $config: choose another output folder (make demo OUT=...)" >&2
    exit 2
fi
mkdir -p "$out"
if [ "$data" = simulated ]; then
    # a seed that the corpus does not use: nothing of it is seen in training
    record=$out/record/atrial_fibrillation.hea
    "$python" -m hf_ecg.simulation atrial_fibrillation --sampling_rate 500 --seed 2026 --output "${record%.hea}"
else
    # of fold 10, which no model that is trained here has seen
    first='import csv, sys; rows = csv.DictReader(open(sys.argv[1], encoding="utf-8"))'
    first+='; print(min(row["filename_lr"] for row in rows if float(row["strat_fold"]) == 10))'
    record=$data/$("$python" -c "$first" "$data/ptbxl_database.csv").hea
fi

step "an answer at once: $record by the model inside the package, which learned from real ECGs (PTB-XL, all of it)"
"$python" "$here/classify.py" "$record" --model ecg-text-small --prompts ptb_xl_rhythm
"$python" -m hf_ecg.plotting "$record" --output "$out/ecg.png"
echo "drawn: $out/ecg.png"

step "1/6 prepare: $data to parquet"
if [ ! -e "$corpus/README.md" ]; then
    if [ "$data" = simulated ]; then
        "$python" "$here/../dataset_scripts/simulated.py" --output_dir "$corpus" --num_records 1500
    else
        "$python" "$here/../dataset_scripts/ptb_xl.py" --data_dir "$data" --output_dir "$corpus"
    fi
fi

step "2/6 pretrain an ECGTextModel on the statements of folds 1 to 7, selected on fold 8"
pretrain "$recipe" "$out/clep"

step "3/6 train its supervised companion: the same network, records and budget, on the labels"
pretrain bce_ptb_xl "$out/bce" "data.sources.0.folds.train=[1,2,3,4,5,6,7]" "data.sources.0.folds.validation=[8]" "${companion[@]}"

step "4/6 label-text classification on folds 9 and 10, beside the companion and a random encoder"
warn
"$python" "$here/zero_shot.py" --model "$out/clep" --supervised "$out/bce" --random --data "$corpus" --folds 9,10 \
    --prompts "${prompts[@]}" --output "$out/label_text.json"

step "5/6 linear probe of the frozen encoder on 1, 10 and 100 % of the training patients"
warn
"$python" "$here/linear_probe.py" --model "$out/clep/encoder" --supervised "$out/bce" --random --data "$corpus" \
    --label_set "$probe" --train_folds 1-7 --validation_folds 8 --test_folds 9,10 --fractions 1,10,100 \
    --output "$out/linear_probe.json"

step "6/6 reload the model, classify the same file by prompts, and draw what it makes of the corpus"
warn
"$python" "$here/classify.py" "$record" --model "$out/clep" --prompts "$classify_by"
"$python" "$here/classify.py" "$record" --model "$out/clep" --prompts "atrial fibrillation" "sinus rhythm"
"$python" -m hf_ecg.plotting "$out/clep" --output "$out/training.png"
"$python" "$here/pictures.py" --model "$out/clep" --data "$corpus" --folds 9,10 --prompts "$classify_by" \
    --output "$out/pictures"
"$python" -m hf_ecg.hub card "$out/clep" --evaluation "$out/label_text.json" "$out/linear_probe.json"

printf '\nmodel: %s, its card: %s, encoder alone: %s\ntables: %s, %s\npictures: %s, %s\n' \
    "$out/clep" "$out/clep/README.md" "$out/clep/encoder" "$out/label_text.md" "$out/linear_probe.md" \
    "$out/ecg.png" "$out/training.png, $out/pictures"
warn
