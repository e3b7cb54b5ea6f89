"""Find ECGs and texts by each other."""

import json
from pathlib import Path

import click

from ...model_names import MODEL_NAME
from ...next_steps import line, spoken
from ...options import (
    ALLOW_TRAINING_FOLDS,
    BATCH_SIZE,
    BOOTSTRAP,
    CHANNELS,
    CONFIG,
    DATA,
    DEVICE,
    STRICT,
    WINDOW,
    as_command,
)
from ...outcomes import Ending
from ...words import FORMATS


@as_command("retrieve")
@click.option("--model", type=MODEL_NAME, required=True, help="Dual encoder: a folder, a packaged name, or a Hub id.")
@DATA
@CONFIG
@click.option("--folds", help="Folds to search, such as 9,10 (default: all).")
@click.option("--text_column", default="text", show_default=True, help="Texts of the records.")
@click.option("--text", multiple=True, help="A text to find ECGs for; may be repeated.")
@click.option("--record", multiple=True, help="A WFDB record to find texts and ECGs for; may be repeated.")
@click.option("--record_id", multiple=True, help="A record of the corpus, likewise.")
@CHANNELS
@WINDOW
@click.option("--same_patient", is_flag=True, help="Also find other ECGs of a --record_id's patient.")
@click.option("--top_k", type=int, default=4, show_default=True, help="Hits to show for each query.")
@click.option("--metrics", is_flag=True, help="Also measure recall@k and median rank in --folds.")
@ALLOW_TRAINING_FOLDS
@BOOTSTRAP
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the bootstrap.")
@click.option("--index", "index_dir", help="Folder of the index (default: OUTPUT_DIR/index).")
@click.option("--format", type=click.Choice(FORMATS), default="png", show_default=True, help="Of the pictures.")
@click.option("--dpi", type=float, default=120, show_default=True, help="Pixels an inch of PNG pictures.")
@click.option("--no_pictures", is_flag=True, help="Draw no pictures.")
@BATCH_SIZE
@DEVICE
@STRICT
@click.option("--output_dir", required=True, help="Folder for results.json, pictures and the index.")
def command(model, data, config, folds, metrics, output_dir, **given) -> Ending:
    """Find ECGs by texts, texts by ECGs and ECGs by ECGs in a prepared corpus, and draw what was found.

    \b
    hf-ecg evaluate retrieve --model out/demo/clep --data PARQUET --text "atrial fibrillation" --output_dir found
    hf-ecg evaluate retrieve --model out/demo/clep --data PARQUET --record record.hea --record_id 38 --output_dir found
    hf-ecg evaluate retrieve --model out/demo/clep --data PARQUET --folds 9,10 --metrics --output_dir found

    Writes found/results.json, a picture a query and direction, and found/index, which serves the next call.
    """
    if not (given["text"] or given["record"] or given["record_id"] or metrics):
        raise ValueError("there is nothing to look for: wanted --text, --record, --record_id or --metrics")
    if metrics and folds is None:
        raise ValueError("--metrics wants --folds, those that the model was neither trained nor selected on")
    from ....data.corpus import load_corpus
    from ....data.corpus_card import is_simulated
    from ....evaluation.judging.refused import note_refused, skip_refused
    from ....evaluation.judging.retrieval import build_index
    from ....evaluation.judging.retrieval_queries import Queries, RetrievalSearch, retrieval_figures
    from ....evaluation.loading import facts_for_evaluation, load_dual_encoder, pick_device
    from ....evaluation.options import IntervalOptions
    from ....evaluation.protocol import parse_folds
    from ....evaluation.reports.short_summary import SIMULATED_WARNING, retrieval_summary
    from ....files import atomic_file
    from ....plotting.retrieval_files import RetrievalPictures
    from ....trained_on import trained_on_note

    folds = None if folds is None else parse_folds(folds)
    if metrics:
        facts_for_evaluation([model], config, folds, given["allow_training_folds"])
    encoder, processor = load_dual_encoder(model, pick_device(given["device"]))
    dataset = load_corpus(data, config=config, folds=folds, keep_unusable=given["strict"])
    output = Path(output_dir)
    output.mkdir(parents=True, exist_ok=True)
    text_column = given["text_column"]
    place = given["index_dir"] or output / "index"

    def make_index(splits: dict) -> tuple:
        rows = splits["rows"]
        return rows, build_index(encoder, processor, rows, place, text_column, given["batch_size"], "index")

    (dataset, index), refused = skip_refused(make_index, {"rows": dataset}, given["strict"])
    report: dict = note_refused({"model": model, "data": data, "records": len(dataset)}, refused)
    report["trained_on"] = trained_on_note(model)
    if index.bias is None:
        report["note"] = "the model was trained with the softmax loss: cosines rank, they are not probabilities"
    report["simulated"] = is_simulated(data)
    told: list[str] = [SIMULATED_WARNING] if report["simulated"] else []
    where = None if given["no_pictures"] else output
    show = RetrievalPictures(where, told.append, given["format"], given["dpi"], report["simulated"])
    asked = ("text", "record", "record_id", "top_k", "same_patient", "leads", "rename", "window")
    queries = Queries(*(given[name] for name in asked))
    report["queries"] = RetrievalSearch(index, dataset, encoder, processor, show).ask(queries)
    if metrics:
        intervals = IntervalOptions(given["bootstrap"], given["seed"])
        report["metrics"] = retrieval_figures(index, dataset, text_column, intervals)
        told += ["", *retrieval_summary(report["metrics"])]
    with atomic_file(output / "results.json") as file:
        file.write(json.dumps(report, indent=1) + "\n")
    made = [(output / "results.json", "all hits and figures")]
    made += [(output / entry["picture"], "what was found") for entry in report["queries"] if "picture" in entry]
    following = []
    if not metrics:
        words = ("evaluate", "retrieve", "--model", spoken(model), "--data", data, "--folds", "10", "--metrics")
        following = [line(*words, "--output_dir", output_dir)]
    return Ending(report, "\n".join([*told, *([report["note"]] if "note" in report else [])]), made, following)
