"""Draws what a model makes of a corpus: embeddings by label and, for a dual encoder, ECGs against prompts.

    python train/pictures.py --model OUT --data PARQUET --prompts ptb_xl_superdiagnostic --folds 9,10 --output pictures

Writes pictures/embeddings.png (t-SNE) and pictures/similarity.png (cosine to the nearest prompt of each class, mean
over the ECGs whose only label it is). Records with more than one label are drawn as "several" among the embeddings.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a checkout works without installation

from transformers import AutoConfig

from hf_ecg.clinical.prompts import load_prompts
from hf_ecg.command_line import run_command
from hf_ecg.data.corpus import label_matrix, label_names, load_corpus
from hf_ecg.evaluation.judging.features import ecg_embeddings, ecg_features, ecg_text_embeddings
from hf_ecg.evaluation.judging.label_text import aggregate_similarities
from hf_ecg.evaluation.loading import load_dual_encoder, load_encoder, pick_device
from hf_ecg.evaluation.protocol import parse_folds
from hf_ecg.plotting import plot_embeddings, plot_similarity, save_figure
from hf_ecg.plotting.embeddings import METHODS

SEVERAL = "several"


def main(arguments: list[str] | None = None) -> list[Path]:
    args = parse_arguments(arguments)
    device = pick_device(args.device)
    prompts = load_prompts(args.prompts)
    dataset = load_corpus(args.data, config=args.config, folds=parse_folds(args.folds) if args.folds else None)
    labels = one_label_each(dataset, prompts.label_set)
    output = Path(args.output)
    output.mkdir(parents=True, exist_ok=True)
    title = Path(args.model).name
    written = []
    if hasattr(AutoConfig.from_pretrained(args.model), "text_config"):
        model, processor = load_dual_encoder(args.model, device)
        embeddings = ecg_embeddings(model, processor, dataset, args.batch_size, "ECGs")
        texts = ecg_text_embeddings(model, processor, [text for texts in prompts.classes.values() for text in texts])
        counts = [len(texts) for texts in prompts.classes.values()]
        cosines = aggregate_similarities(embeddings @ texts.T, counts, "max")
        rows = [row for name in prompts.classes for row, label in enumerate(labels) if label == name]
        if not rows:
            raise ValueError(f"no record of {args.data} has exactly one label of {prompts.label_set}")
        figure = plot_similarity(
            cosines[rows],
            [labels[row] for row in rows],
            [f"prompts of {name}" for name in prompts.classes],
            average=True,
            title=f"{title}: ECGs with one {prompts.label_set} label",
            scale_label="mean cosine to the nearest prompt",
        )
        written.append(save_figure(figure, output / f"similarity.{args.format}"))
    else:
        embeddings = ecg_features(*load_encoder(args.model, device), dataset, args.batch_size, "ECGs")
    figure = plot_embeddings(
        embeddings, labels, method=args.method, seed=args.seed, title=f"{title}: {prompts.label_set}"
    )
    written.append(save_figure(figure, output / f"embeddings.{args.format}"))
    sys.stdout.writelines(f"{path}\n" for path in written)
    return written


def one_label_each(dataset, label_set: str) -> list[str | None]:
    """The label of each row; `SEVERAL` for more than one, None for none or where nobody annotated."""
    names = label_names(dataset, label_set)
    matrix, annotated = label_matrix(dataset, label_set)
    counts = np.where(annotated, matrix.sum(axis=1), 0)
    chosen = matrix.argmax(axis=1)
    return [
        None if count == 0 else names[label] if count == 1 else SEVERAL
        for count, label in zip(counts, chosen, strict=True)
    ]


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="model folder or Hub id: a dual encoder or an encoder")
    parser.add_argument("--data", required=True, help="prepared corpus: folder or Hub id")
    parser.add_argument("--config", help="its configuration, when it has several")
    parser.add_argument("--folds", help="such as 9,10 or 1-8 (default: all)")
    parser.add_argument("--prompts", default="ptb_xl_superdiagnostic", help="its label set colours the points")
    parser.add_argument("--output", required=True, help="folder for the pictures")
    parser.add_argument("--format", choices=("png", "svg"), default="png")
    parser.add_argument("--method", choices=METHODS, default="tsne", help='"umap" needs umap-learn')
    parser.add_argument("--seed", type=int, default=0, help="of the projection")
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument("--device", help="default: the GPU when there is one, else the CPU")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    run_command(main)
