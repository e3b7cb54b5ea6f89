"""Classifies one WFDB record by prompts.

python train/classify.py RECORD.hea --model OUT --prompts ptb_xl_superdiagnostic
python train/classify.py RECORD.hea --model OUT --prompts "atrial fibrillation" "sinus rhythm"
"""

import argparse
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a checkout works without installation

from hf_ecg.clinical.prompts import load_prompts
from hf_ecg.command_line import run_command
from hf_ecg.evaluation.judging.features import ecg_text_embeddings, frozen
from hf_ecg.evaluation.judging.label_text import class_similarities
from hf_ecg.evaluation.loading import load_dual_encoder, pick_device


def main(arguments: list[str] | None = None) -> list[dict]:
    args = parse_arguments(arguments)
    model, processor = load_dual_encoder(args.model, pick_device(args.device))
    embedding = record_embedding(model, processor, args.record)
    results = [
        entry for group in prompt_groups(args.prompts) for entry in classify(model, processor, embedding, *group)
    ]
    width = max(len(entry["class"]) for entry in results)
    probability = results[0]["probability"] is not None
    print(f"{'class':<{width}}  cosine" + ("  probability" if probability else ""))
    for entry in results:
        end = f"  {entry['probability']:>11.4f}" if probability else ""
        print(f"{entry['class']:<{width}}  {entry['cosine']:>6.3f}{end}")
    if probability:
        print("\nprobability: sigmoid(scale * cosine + bias), that record and text are a pair; not a risk of disease.")
    else:
        print("\nThe model was trained without the sigmoid loss: its cosines rank texts and are no probabilities.")
    return results


def record_embedding(model, processor, record: str):
    """Unit-length embedding (1, projection_dim) of one WFDB record, the mean over its crops."""
    device = next(model.parameters()).device
    inputs = dict(processor.feature_extractor(record, return_tensors="pt"))
    inputs.pop("record_index", None)
    with frozen(model):
        features = model.get_ecg_features(**{key: value.to(device) for key, value in inputs.items()}).pooler_output
    features = torch.nn.functional.normalize(features.float(), dim=-1).mean(dim=0, keepdim=True)
    return torch.nn.functional.normalize(features, dim=-1).cpu().numpy()


def classify(model, processor, embedding, classes: dict[str, list[str]], aggregate: str) -> list[dict]:
    """Cosine and probability of each class, in the classes' order."""
    texts = ecg_text_embeddings(model, processor, [text for prompts in classes.values() for text in prompts])
    cosines, probabilities = class_similarities(model, embedding, texts, classes, aggregate)
    values = [None] * len(classes) if probabilities is None else probabilities[0].tolist()
    rows = zip(classes, cosines[0].tolist(), values, strict=True)
    return [{"class": name, "cosine": cosine, "probability": value} for name, cosine, value in rows]


def prompt_groups(prompts: list[str]) -> list[tuple[dict[str, list[str]], str]]:
    """(classes, aggregate) for each prompt set named, and one group for the texts given as they are."""
    groups, texts = [], {}
    for prompt in prompts:
        # A name of a set is one word with an underscore, or a file; so a mistyped name is not taken for a text.
        if Path(prompt).suffix in (".yaml", ".yml") or ("_" in prompt and " " not in prompt):
            prompt_set = load_prompts(prompt)
            groups.append((prompt_set.classes, prompt_set.aggregate))
        else:
            texts[prompt] = [prompt]
    return groups + ([(texts, "max")] if texts else [])


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("record", help="header of a WFDB record, with or without .hea")
    parser.add_argument("--model", required=True, help="folder of a dual encoder, or a Hub id")
    parser.add_argument("--prompts", nargs="+", required=True, help="names or YAML files of prompt sets, or texts")
    parser.add_argument("--device", help="cpu, cuda ... (default: the GPU when there is one)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    run_command(main)
