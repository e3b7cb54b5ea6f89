"""Finds ECGs by texts, texts by ECGs and ECGs by ECGs in a prepared corpus, and draws what was found.

    python train/retrieve.py --model out/demo/clep --data PARQUET --text "atrial fibrillation" --output_dir found
    python train/retrieve.py --model out/demo/clep --data PARQUET --record record.hea --record_id 38 --output_dir found
    python train/retrieve.py --model out/demo/clep --data PARQUET --folds 9,10 --metrics --output_dir found

Writes found/results.json, a picture a query and direction, and found/index, which serves the next call.
"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a checkout works without installation

from hf_ecg.command_line import run_command
from hf_ecg.data.corpus import load_corpus, non_empty_text
from hf_ecg.data.rows import RowDataset
from hf_ecg.evaluation.judging.features import ecg_text_embeddings
from hf_ecg.evaluation.judging.retrieval import RetrievalIndex, build_index
from hf_ecg.evaluation.loading import facts_for_evaluation, load_dual_encoder, pick_device
from hf_ecg.evaluation.metrics.retrieval_metrics import retrieval_metrics
from hf_ecg.evaluation.protocol import parse_folds
from hf_ecg.pipelines import ECGFeatureExtractionPipeline
from hf_ecg.plotting import plot_retrieval, save_figure
from hf_ecg.plotting.retrieval import hit_caption
from hf_ecg.signals import read_record


def main(arguments: list[str] | None = None) -> dict:
    args = parse_arguments(arguments)
    if not (args.text or args.record or args.record_id or args.metrics):
        raise ValueError("there is nothing to look for: wanted --text, --record, --record_id or --metrics")
    folds = None if args.folds is None else parse_folds(args.folds)
    if args.metrics:
        if folds is None:
            raise ValueError("--metrics wants --folds, those that the model was neither trained nor selected on")
        facts_for_evaluation([args.model], args.config, folds, args.allow_training_folds)
    model, processor = load_dual_encoder(args.model, pick_device(args.device))
    dataset = load_corpus(args.data, config=args.config, folds=folds)
    output = Path(args.output_dir)
    output.mkdir(parents=True, exist_ok=True)
    folder = args.index or output / "index"
    index = build_index(model, processor, dataset, folder, args.text_column, args.batch_size, "index")
    report: dict = {"model": args.model, "data": args.data, "records": len(dataset), "queries": []}
    if index.bias is None:
        report["note"] = "the model was trained with the softmax loss: cosines rank, there are no probabilities"
    search = _Search(args, index, dataset, output)
    for text in args.text:
        report["queries"].append(search.by_text(text, ecg_text_embeddings(model, processor, [text])))
    embed = ECGFeatureExtractionPipeline(model=model, feature_extractor=processor.feature_extractor)
    for path in args.record:
        embedding = embed(path, projected=True, return_tensors=True).numpy()
        report["queries"] += search.by_ecg(Path(path).stem, "", read_record(path), embedding, None)
    for name in args.record_id:
        embedding, row = index.record(name)
        patient = None if args.same_patient else row["patient_id"]
        report["queries"] += search.by_ecg(name, row["text"], search.ecg(name), embedding, patient, name)
    if args.metrics:
        report["metrics"] = metrics(index, dataset, args)
        print(json.dumps(report["metrics"], indent=1))
    (output / "results.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return report


class _Search:
    """Asks the index, prints, and draws."""

    def __init__(self, args: argparse.Namespace, index: RetrievalIndex, dataset, output: Path):
        self.args, self.index, self.output, self.number = args, index, output, 0
        self.rows = RowDataset(dataset)
        self.places = {name: place for place, name in enumerate(dataset["record_id"])}

    def ecg(self, record_id: str) -> dict:
        return self.rows[self.places[record_id]]

    def by_text(self, text: str, embedding: np.ndarray) -> dict:
        (hits,) = self.index.find_ecgs(embedding, self.args.top_k)
        return self.told({"query": text, "from": "text", "to": "ecg"}, hits, text)

    def by_ecg(self, name: str, text: str, ecg, embedding, patient: str | None, record_id=None) -> list[dict]:
        words = f"{name}: {text}" if text else name
        asked = {"query": name, "from": "ecg", "text": text}
        (texts,) = self.index.find_texts(embedding[None], self.args.top_k)
        # one more, for the query itself where its patient is not left out
        (ecgs,) = self.index.find_ecgs(embedding[None], self.args.top_k + 1, False, [patient])
        ecgs = [hit for hit in ecgs if record_id is None or hit.record_id != record_id][: self.args.top_k]
        left_out = {"patient_left_out": patient}
        found = [self.told(asked | {"to": "text"}, texts, words, ecg)]
        if ecgs:
            found.append(self.told(asked | {"to": "ecg"} | left_out, ecgs, words, ecg))
        return found

    def told(self, entry: dict, hits: list, words: str, ecg=None) -> dict:
        print(f"\n{entry['from']} to {entry['to']}: {words}")
        for rank, hit in enumerate(hits, 1):
            print(f"  {hit_caption(hit, rank)}")
        self.number += 1
        entry = entry | {"hits": [asdict(hit) for hit in hits]}
        if not self.args.no_pictures:
            drawn = {hit.record_id: self.ecg(hit.record_id) for hit in hits if hit.record_id is not None}
            figure = plot_retrieval(words, hits, drawn, query_ecg=ecg)
            name = f"{self.number:02d}_{entry['from']}_to_{entry['to']}.{self.args.format}"
            entry["picture"] = str(save_figure(figure, self.output / name, dpi=self.args.dpi))
        return entry


def metrics(index: RetrievalIndex, dataset, args: argparse.Namespace) -> dict:
    """Recall and ranks among the records that have a text."""
    rows = non_empty_text(dataset, args.text_column)
    texts = index.texts["text"][:]
    number = {text: place for place, text in enumerate(texts)}
    ecgs = np.stack([index.record(name)[0] for name in rows["record_id"]])
    faiss_index = index.texts.get_index("embedding").faiss_index
    own = [number[text] for text in rows[args.text_column]]
    text_embeds = faiss_index.reconstruct_n(0, len(texts))
    return retrieval_metrics(ecgs, text_embeds, own, rows["patient_id"][:], replicates=args.bootstrap, seed=args.seed)


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="folder of a dual encoder")
    parser.add_argument("--data", required=True, help="prepared corpus: a folder or a Hub id")
    parser.add_argument("--config", help="configuration of the corpus, such as ptb_xl_100hz")
    parser.add_argument("--folds", help="folds to search, such as 9,10 (default: all)")
    parser.add_argument("--text_column", default="text", help="texts of the records (default: text)")
    parser.add_argument("--text", action="append", default=[], help="a text to find ECGs for; may be repeated")
    parser.add_argument("--record", action="append", default=[], help="a WFDB record to find texts and ECGs for")
    parser.add_argument("--record_id", action="append", default=[], help="a record of the corpus, likewise")
    parser.add_argument("--same_patient", action="store_true", help="also find other ECGs of a --record_id's patient")
    parser.add_argument("--top_k", type=int, default=4)
    parser.add_argument("--metrics", action="store_true", help="recall@k and median rank in --folds")
    parser.add_argument("--allow_training_folds", action="store_true", help="measure on folds of the training")
    parser.add_argument("--bootstrap", type=int, default=1000, help="replicates (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap")
    parser.add_argument("--index", help="folder of the index (default: OUTPUT_DIR/index)")
    parser.add_argument("--format", choices=("png", "svg"), default="png", help="of the pictures")
    parser.add_argument("--dpi", type=float, default=120, help="of PNG pictures (default: %(default)s)")
    parser.add_argument("--no_pictures", action="store_true")
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument("--device", help="cpu, cuda ... (default: the GPU when there is one)")
    parser.add_argument("--output_dir", required=True, help="folder for results.json, pictures and the index")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    try:
        run_command(main)
    except ImportError as error:
        sys.exit(str(error))
