"""FG-CLEP's three stages one after the other: CLEP, verified waveform features, training on (arXiv 2505.11939)."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from transformers.utils import logging

from ...data.corpus import load_corpus
from ...data.feature_truth import FALSE_FEATURES, TRUE_FEATURES
from ...data.rows import rows_fingerprint
from ...enrichment.proposals.asking import Patience
from ...enrichment.proposals.proposal_run import propose
from ...enrichment.proposals.proposer_section import ProposerSection, make_proposer
from ...enrichment.verification.augmented import AUGMENTED
from ...enrichment.verification.cross_fit import train_cross_fit
from ...enrichment.verification.decisions import CLEP, MEASURED
from ...enrichment.verification.scoring import ClepOptions
from ...enrichment.verification.statistics import STATISTICS_NAME
from ...enrichment.verification.verification_run import verify
from ...files import atomic_file
from ...locks import output_lock
from ...owned_folders import mark
from ...strict_json import read_json_object
from ...training.network import WHOLE
from ...training.prior_runs import is_done, train_once
from ...training.recipe import Recipe, as_override
from ...training.sections import to_plain
from ..ablation import Plan, refuse_seed
from .stages_spec import Stages, StagesRun, VerificationSection, load_stages_run

logger = logging.get_logger(__name__)

SETTINGS_NAME = "stages.json"
FIRST, PROPOSALS, JUDGES, CORPUS, THIRD = "clep", "proposals", "judges", "corpus", "fg_clep"
MEASUREMENTS = "measurements"


@dataclass(frozen=True)
class Places:
    """Where the stages lie: in `output_dir`, or what several runs have in common in a folder that they share."""

    output_dir: Path
    shared: Path | None = None

    def of(self, name: str, *depends_on) -> Path:
        """Folder of something that depends on nothing but `depends_on`, values as JSON takes them."""
        if self.shared is None:
            return self.output_dir / name
        digest = hashlib.blake2b(json.dumps(depends_on, sort_keys=True).encode(), digest_size=6)
        return self.shared / f"{name}-{digest.hexdigest()}"

    def first(self, recipe: Recipe) -> Path:
        """Folder of the first stage."""
        return self.of(FIRST, recipe.to_dict())


def enrich(stages: Stages, first: Recipe, output_dir, shared=None, progress: bool = True) -> Path:
    """The second stage: proposals for the corpus's texts, dual encoders that judge, the corpus with what was kept.

    Stopped at any moment, it resumes when it is called again with the same settings.

    Args:
        stages: of which the proposer and the verification are used.
        first: recipe of the first stage, resolved. Its corpus is enriched; its training and validation folds, and no
            others, train the judges.
        output_dir: for `proposals/`, `judges/` and `corpus/`.
        shared: folder for proposals, judges and measurements that other calls, of other settings, may need too.

    Returns:
        The folder of the enriched corpus.

    Raises:
        ValueError: `output_dir` holds an enriched corpus of other settings; whatever proposing and verifying raise.
        OSError: a proposer that does not answer.
    """
    with output_lock(output_dir):
        return _enrich(stages, first, Places(Path(output_dir), shared and Path(shared)), progress)


def _enrich(stages: Stages, first: Recipe, places: Places, progress: bool) -> Path:
    section = stages.verification
    data = first.data.only_source("FG-CLEP")
    rows = load_corpus(data.path, config=data.config)
    settings = {"proposer": _of_consequence(stages.proposer), "verification": _of_consequence(section)}
    settings |= {"text_column": stages.text_column, "first": first.to_dict()}
    settings["rows"] = rows_fingerprint(rows, [name for name in (stages.text_column,) if name in rows.column_names])
    corpus = places.output_dir / CORPUS
    _check_settings(places.output_dir / SETTINGS_NAME, settings)
    if (corpus / STATISTICS_NAME).is_file():
        return corpus
    if stages.text_column not in rows.column_names:
        raise ValueError(f"{data.path} has no column {stages.text_column!r}; it has {rows.column_names}")
    texts = rows.select_columns([stages.text_column]).with_format(None)[stages.text_column][:]
    proposals = places.of(PROPOSALS, settings["proposer"], stages.text_column, data.path, data.config)
    patience = Patience(stages.proposer.concurrency)
    summary = propose(texts, make_proposer(stages.proposer), proposals, patience=patience, progress=progress)
    if summary.get("given_up"):
        raise OSError(
            f"{summary['given_up']} of {summary['distinct']} reports have no answer yet: the same call asks again"
        )
    models = []
    if CLEP in section.verifier:
        judges = places.of(JUDGES, first.to_dict(), section.groups, settings["rows"])
        models = train_cross_fit(first, judges, groups=section.groups)
    options = ClepOptions(models, section.target_precision, section.minimum_positives, section.compat_fixed_threshold)
    verify(
        data.path,
        proposals,
        corpus,
        section.verifier,
        options,
        config=data.config,
        text_column=stages.text_column,
        control_seed=first.run.seed if section.controls else None,
        num_proc=section.num_proc,
        measurements=section.measurements or (places.shared and places.shared / MEASUREMENTS),
        progress=progress,
    )
    return corpus


# Where and how fast something is done changes nothing in it.
_OF_NO_CONSEQUENCE = ("num_proc", "measurements", "concurrency", "timeout", "batch_size", "device", "base_url")


def _of_consequence(section) -> dict:
    return {key: value for key, value in to_plain(section).items() if key not in _OF_NO_CONSEQUENCE}


def run_stages(run: StagesRun, output_dir, tell: Callable[[str], None], shared=None) -> Path:
    """All three stages; those that are done are left as they are.

    Args:
        output_dir: for `clep/`, `proposals/`, `judges/`, `corpus/`, `fg_clep/`.
        tell: is told which stage begins, or was done before.
        shared: folder for what other runs may need too; `output_dir` then holds `corpus/` and `fg_clep/`.

    Returns:
        The folder of the last model.
    """
    with output_lock(output_dir):
        return _run_stages(run, Places(Path(output_dir), shared and Path(shared)), tell)


def _run_stages(run: StagesRun, places: Places, tell: Callable[[str], None]) -> Path:
    stages = run.stages
    corpus, first = places.output_dir / CORPUS, places.first(run.first)
    last = third_recipe(run, first, corpus)
    if not (corpus / STATISTICS_NAME).is_file():
        make_proposer(stages.proposer)
    places.output_dir.mkdir(parents=True, exist_ok=True)
    mark(places.output_dir, "study")
    _train(run.first, first, "stage 1 of 3, CLEP", tell)
    tell(f"stage 2 of 3, waveform features by {stages.proposer.name}, {' and '.join(stages.verification.verifier)}")
    enrich(stages, run.first, places.output_dir, places.shared)
    _train(last, places.output_dir / THIRD, "stage 3 of 3, FG-CLEP", tell)
    return places.output_dir / THIRD


def third_recipe(run: StagesRun, first, corpus) -> Recipe:
    """The recipe of the third stage, which starts from the folder `first` on the enriched `corpus`.

    Raises:
        ValueError: a recipe that does not fit, or one that trains on the text as it was, without features.
    """
    places = {
        f"model.init_from.{WHOLE}": str(first),
        "data.sources.0.path": str(corpus),
        "data.sources.0.config": run.first.data.only_source("FG-CLEP").config,
    }
    if run.stages.compat_appended_text:
        places |= {"data.columns.text": AUGMENTED, "model.config.num_text_kinds": 1}
        places |= {"data.columns.true_texts": None, "data.columns.false_texts": None}
    recipe = run.third([as_override(*item) for item in places.items()])
    columns = recipe.data.columns
    if columns.text == run.first.data.columns.text and columns.true_texts is None:
        raise ValueError(
            f"the third stage trains on data.columns.text={columns.text} and on no feature, wanted"
            f" data.columns.true_texts={TRUE_FEATURES} and false_texts={FALSE_FEATURES}, or text={AUGMENTED}"
        )
    if columns.false_texts == FALSE_FEATURES and MEASURED not in run.stages.verification.verifier:
        raise ValueError(
            f"the third stage trains on data.columns.false_texts={FALSE_FEATURES}, but verification.verifier is"
            f" {run.stages.verification.verifier}: dual encoders tell what is there, never what is not; wanted"
            f" {MEASURED!r} among them, or compat_appended_text"
        )
    return recipe


def _train(recipe: Recipe, folder: Path, title: str, tell: Callable[[str], None]) -> None:
    tell(f"{title}: done before" if is_done(folder) else title)
    train_once(recipe, folder)


def stages_plan(path, data: str, shared, overrides: Sequence[str] = (), config: str | None = None) -> Plan:
    """Runs of the three stages, for an ablation: what does not depend on a setting is made once, in `shared`.

    Args:
        path: file of stages.
        data, config: prepared corpus and its configuration.
        overrides: for all runs: `first.section.key=value` and `third...` of the recipes, `both...` of both,
            everything else of the stages, such as `verification.target_precision=0.8`.
    """
    refuse_seed(overrides)
    checked = set()

    def plan(values: list[str], seed: int) -> Callable[[Path], Path]:
        given = {part: [] for part in ("both", "first", "third", "stages")}
        for one in (*overrides, *values):
            part, dot, rest = one.partition(".")
            known = dot and part in given and part != "stages" and "=" not in part
            given[part if known else "stages"].append(rest if known else one)
        both = [*given["both"], f"run.seed={seed}"]
        run = load_stages_run(path, data, config, both, given["stages"], given["first"], given["third"])
        third_recipe(run, shared, shared)
        proposer = json.dumps(to_plain(run.stages.proposer))
        if proposer not in checked:  # to make one may be to load a language model
            make_proposer(run.stages.proposer)
            checked.add(proposer)
        return partial(run_stages, run, tell=logger.info, shared=shared)

    return plan


def _check_settings(path: Path, settings: dict) -> None:
    if path.is_file():
        before = read_json_object(path)
        for key, usual in (("proposer", ProposerSection()), ("verification", VerificationSection())):
            before[key] = _of_consequence(usual) | before.get(key, {})  # options that were added since
        unknown = "rows" not in before
        if unknown:
            logger.warning("%s does not say on which rows it was begun: these are taken for them", path)
            before["rows"] = settings["rows"]
        differing = sorted(key for key in settings if before.get(key) != settings[key])
        if differing:
            raise ValueError(f"{path.parent} was begun with other settings of {differing}: choose another folder")
        if unknown:
            with atomic_file(path, shared=True) as file:
                file.write(json.dumps(before, indent=2) + "\n")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path, shared=True) as file:
        file.write(json.dumps(settings, indent=2) + "\n")
