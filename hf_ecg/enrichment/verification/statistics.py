"""What verification did to a corpus, as JSON and as a Markdown page."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ...clinical.waveform_features import is_evaluated_prompt
from ...data.feature_truth import FEATURE_TRUTH
from ...files import atomic_file
from .decisions import VERDICTS, VERIFIERS, Decisions
from .thresholds import FeatureThreshold

STATISTICS_NAME = "verification.json"

# A language model may have proposed ten thousand texts; the JSON has them all.
PAGE_FEATURES = 100


def feature_counts(decisions: Decisions) -> list[dict]:
    """Proposals of each feature and what became of them, the most proposed first."""
    pairs = decisions.pairs
    total = pairs.of_features(np.ones(len(pairs)))
    counts = {
        (verifier, verdict): pairs.of_features((decisions.verifier == number) & (decisions.state == state))
        for number, verifier in enumerate(VERIFIERS)
        for state, verdict in VERDICTS.items()
    }
    entries = []
    for feature in np.argsort(-total, kind="stable"):
        name = pairs.names[feature]
        entry = {"feature": name, "proposals": int(total[feature]), "evaluated_prompt": is_evaluated_prompt(name)}
        for verdict in VERDICTS.values():
            entry[verdict] = {v: int(counts[v, verdict][feature]) for v in VERIFIERS if counts[v, verdict][feature]}
        entries.append(entry)
    return entries


def threshold_entries(
    thresholds: Mapping[int, Sequence[FeatureThreshold]], pairs_of_feature: Mapping[str, int]
) -> list[dict]:
    """The thresholds of each feature over the folds: in how many it has one, and what they rest on."""
    entries = []
    for feature in zip(*thresholds.values(), strict=True):
        name = feature[0].feature
        if not pairs_of_feature.get(name):
            continue
        found = [entry for entry in feature if entry.threshold is not None]
        entries.append(
            {
                "feature": name,
                "folds": len(feature),
                "folds_with_a_threshold": len(found),
                "validation_positives": [entry.positives for entry in feature],
                "thresholds": [entry.threshold for entry in feature],
                "precisions": [entry.precision for entry in feature],
                "recalls": [entry.recall for entry in feature],
                "reasons": sorted({entry.reason for entry in feature if entry.threshold is None}),
            }
        )
    return entries


def write_statistics(statistics: dict, folder) -> None:
    """`verification.json` and `verification.md`."""
    folder = Path(folder)
    texts = {STATISTICS_NAME: json.dumps(statistics, indent=1, ensure_ascii=False) + "\n"}
    texts["verification.md"] = statistics_page(statistics)
    for name, text in texts.items():
        with atomic_file(folder / name) as file:
            file.write(text)


def statistics_page(statistics: dict) -> str:
    """The page: totals, each feature by verifier and verdict, thresholds, models, commands."""
    s = statistics
    answers = s["answers"] or {}
    malformed = f", {answers['malformed']} of {answers['reports']} answers malformed" if answers else ""
    seed = "" if s["seed"] is None else f"; seed {s['seed']}"
    lines = [
        "# Verified waveform features",
        "",
        f"* corpus: {s['corpus']}, config {s['config']}: {s['rows']} records, text column `{s['text_column']}`",
        f"* proposals: {s['distinct_texts']} distinct texts, {s['texts_without_an_answer']} of them without an"
        f" answer{malformed}; {s['proposals']} pairs of record and feature in {s['rows_with_proposals']} records",
        f"* kept {s['kept']} ({_share(s['kept'], s['proposals'])}), rejected {s['rejected']}, undecided"
        f" {s['undecided']} (not kept)",
        f"* words: {s['words_before']} before, {s['words_added']} added in {s['records_changed']} records",
        *_of_truth(s),
        *_of_evaluation(s),
        f"* verifiers, in this order: {', '.join(s['verifiers'])}",
        *_models(s),
        f"* seconds: {s['seconds']}{seed}; hf_ecg {s['hf_ecg_version']}",
        "",
        "```",
        s["command"],
        "```",
        "",
        "## Features",
        "",
    ]
    columns = [(verifier, verdict) for verifier in s["verifiers"] for verdict in ("kept", "rejected")]
    header = ["feature", "proposals", *(f"{verifier}: {verdict}" for verifier, verdict in columns), "undecided"]
    lines += [f"| {' | '.join(header)} |", f"|{' --- |' * len(header)}"]
    for entry in s["features"][:PAGE_FEATURES]:
        cells = [entry["feature"], entry["proposals"]]
        cells += [entry[verdict].get(verifier, 0) for verifier, verdict in columns]
        cells.append(sum(entry["undecided"].values()))
        lines.append(f"| {' | '.join(str(cell).replace('|', '/') for cell in cells)} |")
    if len(s["features"]) > PAGE_FEATURES:
        lines.append(f"\n{len(s['features']) - PAGE_FEATURES} rarer features are in verification.json.")
    if s["thresholds"]:
        lines += ["", "## Thresholds of clep", "", *_threshold_lines(s)]
    return "\n".join(lines) + "\n"


def _of_truth(s: dict) -> list[str]:
    truth = s.get(FEATURE_TRUTH)
    if truth is None:
        return []
    return [
        f"* truth of {truth['features']} features of the table in every record, proposed or not:"
        f" {_share(truth['decided'], 1)} decided, weak labels by {' and '.join(truth['verifiers'])}"
    ]


def _of_evaluation(s: dict) -> list[str]:
    """What the texts must not, or better not, say before prompts are asked."""
    lines = []
    if s["hold_out"]:
        stated = ", ".join(f'"{feature}"' for feature in s["features_that_state_them"][:PAGE_FEATURES]) or "none"
        lines.append(
            f"* held out of every text: {', '.join(s['hold_out'])}; proposed features that state them: {stated}"
        )
    prompts = [entry["feature"] for entry in s["features"] if entry["evaluated_prompt"] and entry["kept"]]
    if prompts:
        words = ", ".join(f'"{feature}"' for feature in prompts[:PAGE_FEATURES])
        lines.append(f"* kept features that are prompts of an evaluation too, word for word: {words}")
    return lines


def _models(s: dict) -> list[str]:
    if not s["models"]:
        return []
    rule = f"a fixed threshold of {s['fixed_threshold']}"
    if s["fixed_threshold"] is None:
        rule = (
            f"the lowest threshold with a precision of {s['target_precision']} on rows that the model was not trained"
            f" on, of other folds; never with fewer than {s['minimum_positives']} positives"
        )
    lines = [f"* clep keeps by {rule}"]
    for model in s["models"]:
        folds = {
            key: "+".join(map(str, model[key])) or "none" for key in ("train_folds", "validation_folds", "judges")
        }
        lines.append(
            f"* model {model['folder']} (seed {model['seed']}): trained on folds {folds['train_folds']}, selected on"
            f" {folds['validation_folds']}, judges {folds['judges']}; t = {model['scale']:.2f},"
            f" b = {model['bias']:.2f}"
        )
    return lines


def _threshold_lines(s: dict) -> list[str]:
    lines = [
        "Positives are records with a statement that requires the feature or states it. Statements are not exhaustive:"
        " precision is a lower bound.",
        "",
        "| feature | folds with a threshold | validation positives | precision | recall | otherwise |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for entry in s["thresholds"][:PAGE_FEATURES]:
        cells = [entry["feature"].replace("|", "/"), f"{entry['folds_with_a_threshold']} of {entry['folds']}"]
        cells.append(_range(entry["validation_positives"], "d"))
        cells += [_range([x for x in entry[key] if x is not None], ".2f") for key in ("precisions", "recalls")]
        cells.append("; ".join(entry["reasons"][:1]))
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _range(values: list, form: str) -> str:
    if not values:
        return ""
    low, high = min(values), max(values)
    return f"{low:{form}}" if low == high else f"{low:{form}} to {high:{form}}"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "0 %"
