"""From proposals to a corpus whose texts hold the features that the signal supports."""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import datasets
import numpy as np

from ...clinical.feature_rules.answers import UNDECIDED
from ...cores import default_processes
from ...data.builder import check_output, prepare_corpus
from ...data.extended_corpus import OpenedCorpus, open_corpus
from ...data.measured_rows import measured_values, measurement_store
from ...data.rows import rows_fingerprint
from ...evaluation.loading import describe_seeds
from ...evaluation.reports.evaluation_report import command_line
from ...files import ArrayStore
from ...locks import output_lock
from ...owned_folders import claim
from ...version import __version__
from ..proposals.store import read_proposals
from .augmented import AUGMENTED, FEATURES, KEEP_ALL, KEEP_RANDOM, AugmentedRows, augmented_corpus, augmented_text
from .cross_fit import assign_judges, check_patients
from .decisions import CLEP, MEASURED, Decisions, clep_answers, keep_random
from .delineated import answers_of
from .pairs import FeaturePairs, proposed_pairs, without_statements
from .positives import known_rows
from .scoring import DEFAULT_CLEP, ClepOptions, CrossFittedClep, calibrate
from .statistics import feature_counts, threshold_entries, write_statistics
from .table_truth import TableTruth


def verify(
    corpus,
    proposals,
    output_dir,
    verifier: Sequence[str] = (MEASURED, CLEP),
    clep: ClepOptions = DEFAULT_CLEP,
    config: str | None = None,
    text_column: str = "text",
    control_seed: int | None = None,
    num_proc: int | None = None,
    overwrite: bool = False,
    measurements=None,
    progress: bool = True,
) -> dict:
    """Keeps the proposed features that the signal supports, and writes the corpus with them.

    The verifiers are asked in turn: the first that can decide a feature of a record does. What none can decide is not
    kept, and neither is what states something that the corpus holds out of its texts. The new corpus has the rows of
    the old one with `augmented_report` (the text, with the features kept as further sentences), `waveform_features`
    (every proposed feature with verifier, score and verdict), what is known of every feature of the table in every
    record (`measurements`, `true_features`, `false_features`, see `data.feature_truth`), and a page of figures,
    `verification.md`. Killed at any moment, the same call resumes.

    Args:
        corpus: prepared corpus, a folder or a Hub id.
        proposals: `proposals.jsonl` or the folder that holds it, or a mapping from text to features.
        output_dir: folder to make.
        verifier: "measured", "clep" or both, in the order they are asked.
        clep: for the verifier of that name.
        config: configuration of the corpus; may be left out when there is one.
        text_column: what the proposals were made from.
        control_seed: also write `keep_all_report`, with every proposed feature, and `keep_random_report`, with as many
            of each feature in each fold as were kept, drawn at random by this seed, and these as the label set
            `random_true_features`, all others as `random_false_features`. None writes none of them.
        num_proc: processes that measure and write; None takes one a core, eight at most.
        overwrite: replace an augmented corpus that is there.
        measurements: folder that keeps what the signals measure, for further calls with the same signals; None keeps
            it until the corpus is written.
        progress: show progress bars.

    Returns:
        The statistics, as in `verification.json`.

    Raises:
        ValueError: an unknown verifier, no text of the corpus among the proposals, a record that every model saw, a
            patient in several folds, a fixed threshold that cannot be reached.
        OSError: `output_dir` is there, or something cannot be read.
    """
    output_dir = Path(output_dir).absolute()
    with output_lock(output_dir):
        asked = (corpus, proposals, output_dir, verifier, clep, config, text_column, control_seed, num_proc)
        return _verify(*asked, overwrite, measurements, progress)


def _verify(
    corpus,
    proposals,
    output_dir: Path,
    verifier: Sequence[str],
    clep: ClepOptions,
    config: str | None,
    text_column: str,
    control_seed: int | None,
    num_proc: int | None,
    overwrite: bool,
    measurements,
    progress: bool,
) -> dict:
    started = time.perf_counter()
    num_proc = default_processes(num_proc)
    _check_verifiers(verifier, clep)
    check_output(output_dir, overwrite, [corpus, proposals if isinstance(proposals, (str, os.PathLike)) else None])
    asked = _open(corpus, proposals, config, text_column, clep.forward.strict)
    work = output_dir.with_name(f".{output_dir.name}.verification")
    claim(work, "verification in the making")
    decisions, thresholds, models = Decisions.open(asked.pairs), {}, []
    truth = TableTruth.open(len(asked.rows), asked.corpus.hold_out)
    for name in verifier:
        if name == MEASURED:
            store = measurement_store(Path(measurements) if measurements else work / MEASURED, asked.rows)
            values = measured_values(asked.rows, num_proc, store, progress)
            decisions.take(name, *answers_of(values, asked.pairs))
            truth.take_measured(values)
        else:
            thresholds, models, scores = _ask_clep(asked, truth.names, clep, work / CLEP, progress)
            fixed = clep.compat_fixed_threshold
            decisions.take(name, *clep_answers(scores, replace(asked.pairs, names=scores.names), thresholds, fixed))
            truth.take_clep(scores, thresholds, fixed)
    arms = {AUGMENTED: decisions.kept}
    if control_seed is not None:
        arms[KEEP_ALL] = np.ones(len(asked.pairs), dtype=bool)
        arms[KEEP_RANDOM] = keep_random(asked.pairs, decisions.kept, asked.folds, control_seed)
    facts = {
        "corpus": str(corpus),
        "config": asked.corpus.config,
        "text_column": text_column,
        "rows": len(asked.rows),
        **_counts(decisions, asked),
        "verifiers": list(verifier),
        "target_precision": clep.target_precision,
        "minimum_positives": clep.minimum_positives,
        "fixed_threshold": clep.compat_fixed_threshold,
        "models": models,
        "controls": {name: int(shown.sum()) for name, shown in arms.items() if name != AUGMENTED},
        "answers": _answer_counts(proposals),
        "hold_out": asked.corpus.hold_out,
        "features_that_state_them": asked.left_out,
        "seed": control_seed,
        "hf_ecg_version": __version__,
    }
    features = feature_counts(decisions)
    proposed = {entry["feature"]: entry["proposals"] for entry in features}
    known = truth.facts(verifier)
    statistics = facts | {"command": command_line(), "features": features} | known
    statistics["thresholds"] = threshold_entries(thresholds, proposed) if thresholds else []
    maker = AugmentedRows(decisions, arms, text_column, truth.rows)
    decided = (decisions.state, decisions.verifier, decisions.score, truth.states)
    fingerprint = _digest(asked.pairs, *arms.values(), *decided) + rows_fingerprint(asked.rows, [text_column])
    made = augmented_corpus(asked.corpus, maker, {FEATURES: facts} | known, fingerprint)

    def write_page(folder: Path) -> None:
        statistics["seconds"] = round(time.perf_counter() - started, 1)
        write_statistics(statistics, folder)

    prepare_corpus(made, output_dir, num_proc, overwrite=overwrite, progress=progress, finish=write_page)
    shutil.rmtree(work, ignore_errors=True)
    return statistics


@dataclass(frozen=True)
class _Asked:
    """A corpus and the features proposed for its texts."""

    corpus: OpenedCorpus
    texts: list[str | None]
    folds: np.ndarray
    answers: dict[str, Sequence[str]]
    pairs: FeaturePairs
    left_out: list

    @property
    def rows(self) -> datasets.Dataset:
        return self.corpus.rows

    @property
    def distinct(self) -> set[str]:
        """The texts of the corpus, without empty ones."""
        return {text for text in self.texts if text and text.strip()}


def _open(corpus, proposals, config: str | None, text_column: str, strict: bool) -> _Asked:
    opened = open_corpus(corpus, config, keep_unusable=strict)
    rows = opened.rows
    if text_column not in rows.column_names:
        raise ValueError(f"{corpus} has no column {text_column!r}; it has {rows.column_names}")
    texts = rows.select_columns([text_column]).with_format(None)[text_column][:]
    folds = np.asarray(rows.with_format("numpy", columns=["fold"])["fold"][:])
    answers = dict(proposals) if isinstance(proposals, Mapping) else read_proposals(proposals)
    allowed, left_out = without_statements(answers, opened.hold_out)
    asked = _Asked(opened, texts, folds, answers, proposed_pairs(texts, allowed), left_out)
    if asked.distinct and not asked.distinct & set(answers):
        raise ValueError(
            f"none of the {len(asked.distinct)} texts in the column {text_column!r} of {corpus} is among the"
            f" {len(answers)} reports of the proposals: were they made from another corpus or column?"
        )
    return asked


def _check_verifiers(verifier: Sequence[str], clep: ClepOptions) -> None:
    if (
        isinstance(verifier, str)
        or not verifier
        or set(verifier) - {MEASURED, CLEP}
        or len(set(verifier)) < len(verifier)
    ):
        raise ValueError(f"verifier is {verifier!r}, wanted some of {MEASURED!r}, {CLEP!r}, each once")
    if CLEP in verifier and not clep.models:
        raise ValueError("the verifier 'clep' needs models: folders of dual encoders, one for each group of folds")


def _ask_clep(
    asked: _Asked, also: Sequence[str], clep: ClepOptions, folder: Path, progress: bool
) -> tuple[dict, list[dict], CrossFittedClep]:
    """Thresholds, what to tell of the models, and scores of the proposed features, with the others behind them."""
    rows, folds, config = asked.rows, asked.folds, asked.corpus.config
    names = tuple(dict.fromkeys((*asked.pairs.names, *also)))
    patients = rows.select_columns(["patient_id"]).with_format(None)["patient_id"][:]
    check_patients(patients, folds.tolist())
    cross_fit = assign_judges(clep.models, config, folds.tolist())
    seeds = describe_seeds(list(cross_fit.folders), list(cross_fit.facts))
    store = ArrayStore(folder, ["clep", __version__, rows_fingerprint(rows), [entry["weights"] for entry in seeds]])
    fixed = clep.compat_fixed_threshold
    scores = CrossFittedClep(cross_fit, rows, folds, names, fixed, store, clep.forward, progress)
    thresholds = {}
    if fixed is None:
        # not where an experiment pretends not to know the statements
        goals = clep.target_precision, clep.minimum_positives
        thresholds = calibrate(scores, rows, known_rows(rows), *goals, held_out=asked.corpus.hold_out)
    models = [
        entry
        | {
            "train_folds": sorted(facts.folds(config)[0]),
            "validation_folds": sorted(facts.folds(config)[1]),
            "judges": sorted(fold for fold, judge in cross_fit.judge.items() if judge == number),
            "scale": scores.parameters[number][0],
            "bias": scores.parameters[number][1],
            "refused": int(np.isnan(scores.ecg_embeds[number][:, :1]).sum()),
        }
        for number, (entry, facts) in enumerate(zip(seeds, cross_fit.facts, strict=True))
    ]
    return thresholds, models, scores


def _counts(decisions: Decisions, asked: _Asked) -> dict:
    pairs, kept, texts, distinct = decisions.pairs, decisions.kept, asked.texts, asked.distinct
    words_added = changed = 0
    bounds = pairs.bounds
    for row in np.unique(pairs.rows[kept]):
        part = slice(bounds[row], bounds[row + 1])
        features = [pairs.names[f] for f in pairs.features[part][kept[part]]]
        added = len(augmented_text(texts[row], features).split()) - len((texts[row] or "").split())
        words_added += added
        changed += added > 0
    return {
        "rows_with_proposals": len(np.unique(pairs.rows)),
        "distinct_texts": len(distinct),
        "texts_without_an_answer": len(distinct - set(asked.answers)),
        "proposals": len(pairs),
        "kept": int(kept.sum()),
        "rejected": int((~kept & (decisions.state != UNDECIDED)).sum()),
        "undecided": int((decisions.state == UNDECIDED).sum()),
        "records_changed": changed,
        "words_before": sum(len((text or "").split()) for text in texts),
        "words_added": words_added,
    }


def _answer_counts(proposals) -> dict | None:
    """How many answers there are, and how many of them were malformed; None for a mapping."""
    if isinstance(proposals, Mapping):
        return None
    path = Path(proposals) / "proposals.jsonl" if Path(proposals).is_dir() else Path(proposals)
    with path.open("rb") as file:
        malformed = [bool(json.loads(line).get("malformed")) for line in file]
    return {"reports": len(malformed), "malformed": sum(malformed)}


def _digest(pairs: FeaturePairs, *arrays: np.ndarray) -> str:
    digest = hashlib.blake2b(json.dumps(pairs.names).encode(), digest_size=16)
    for array in (pairs.rows, pairs.features, *arrays):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
