"""FG-CLEP's three stages one after the other: CLEP, verified waveform features, training on (arXiv 2505.11939)."""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..data.corpus import load_corpus
from ..strict_json import read_json_object
from ..strict_yaml import load_yaml
from ..training import Recipe, pretrain
from ..training.card import RUN_NAME
from ..training.network import WHOLE
from ..training.output import check_same_recipe
from ..training.recipe import apply_override, as_override
from ..training.sections import parse_section, to_plain
from .proposals.asking import Patience
from .proposals.choose import ProposerSection, make_proposer
from .proposals.run import propose
from .verification.augmented import AUGMENTED
from .verification.cross_fit import GROUPS, train_cross_fit
from .verification.decide import CLEP, MEASURED
from .verification.run import ClepOptions, verify
from .verification.statistics import STATISTICS_NAME
from .verification.thresholds import MINIMUM_POSITIVES, TARGET_PRECISION

SETTINGS_NAME = "stages.json"
FIRST, PROPOSALS, JUDGES, CORPUS, THIRD = "clep", "proposals", "judges", "corpus", "fg_clep"


@dataclass
class VerificationSection:
    """How proposed features are verified, see `verification.run.verify`.

    Args:
        groups: of folds; each is judged by a dual encoder trained on the others.
        measurements: folder that keeps what the signals measure, for further calls on the same corpus.
    """

    verifier: list[str] = field(default_factory=lambda: [MEASURED, CLEP])
    target_precision: float = TARGET_PRECISION
    minimum_positives: int = MINIMUM_POSITIVES
    compat_fixed_threshold: float | None = None
    groups: int = GROUPS
    controls: bool = False
    num_proc: int | None = None
    measurements: str | None = None


@dataclass
class Stages:
    """A file that names the three stages.

    Args:
        first, third: recipes, beside the file. The third continues the first: it has no weights of its own.
        text_column: training text of the corpus that the features are proposed for.
    """

    first: str
    third: str
    proposer: ProposerSection = field(default_factory=ProposerSection)
    verification: VerificationSection = field(default_factory=VerificationSection)
    text_column: str = "text"


def load_stages(path, overrides: Sequence[str] = ()) -> Stages:
    """Reads a file of stages; `overrides` are strings such as `proposer.name=endpoint`.

    Raises:
        ValueError: unknown or missing key, wrong type.
        OSError: the file cannot be read.
    """
    content = load_yaml(Path(path).read_bytes(), str(path))
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds {type(content).__name__}, wanted a mapping")
    for override in overrides:
        apply_override(content, override)
    return parse_section(Stages, content, "", str(path))


def enrich(stages: Stages, first: Recipe, output_dir, proposals=None, progress: bool = True) -> Path:
    """The second stage: proposals for the corpus's texts, dual encoders that judge, the corpus with what was kept.

    Stopped at any moment, it goes on where it was when it is called again with the same settings.

    Args:
        stages: of which the proposer and the verification are used.
        first: recipe of the first stage, resolved. Its corpus is enriched; its training and validation folds, and no
            others, train the judges.
        output_dir: for `proposals/`, `judges/` and `corpus/`.
        proposals: folder of proposals made before, or to make; None takes the one in `output_dir`.

    Returns:
        The folder of the enriched corpus.

    Raises:
        ValueError: `output_dir` holds an enriched corpus of other settings; whatever proposing and verifying raise.
        OSError: a proposer that does not answer.
    """
    output_dir, section = Path(output_dir), stages.verification
    settings = {"proposer": _of_consequence(stages.proposer), "verification": _of_consequence(section)}
    settings |= {"text_column": stages.text_column, "first": first.to_dict()}
    corpus = output_dir / CORPUS
    _check_settings(output_dir / SETTINGS_NAME, settings)
    if (corpus / STATISTICS_NAME).is_file():
        return corpus
    data = first.data
    rows = load_corpus(data.path, config=data.config)
    if stages.text_column not in rows.column_names:
        raise ValueError(f"{data.path} has no column {stages.text_column!r}; it has {rows.column_names}")
    texts = rows.select_columns([stages.text_column]).with_format(None)[stages.text_column][:]
    proposals = output_dir / PROPOSALS if proposals is None else Path(proposals)
    patience = Patience(stages.proposer.concurrency)
    summary = propose(texts, make_proposer(stages.proposer), proposals, patience=patience, progress=progress)
    if summary.get("given_up"):
        raise OSError(
            f"{summary['given_up']} of {summary['distinct']} reports have no answer yet: the same call asks again"
        )
    models = []
    if CLEP in section.verifier:
        models = train_cross_fit(first, output_dir / JUDGES, groups=section.groups, disconnect=False)
    options = ClepOptions(models, section.target_precision, section.minimum_positives, section.compat_fixed_threshold)
    verify(
        *(data.path, proposals, corpus, section.verifier, options),
        config=data.config,
        text_column=stages.text_column,
        controls=section.controls,
        num_proc=section.num_proc,
        seed=first.run.seed,
        measurements=section.measurements,
        progress=progress,
    )
    return corpus


# Where and how fast something is done changes nothing in it.
_OF_NO_CONSEQUENCE = ("num_proc", "measurements", "concurrency", "timeout", "batch_size", "device", "base_url")


def _of_consequence(section) -> dict:
    return {key: value for key, value in to_plain(section).items() if key not in _OF_NO_CONSEQUENCE}


def run_stages(
    stages: Stages, first: Recipe, third: Callable[[list[str]], Recipe], output_dir, tell: Callable[[str], None]
) -> Path:
    """All three stages; those that are done are left as they are.

    Args:
        first: recipe of the first stage, resolved.
        third: makes the recipe of the third stage from further overrides: what it begins with, and the corpus.
        output_dir: for `clep/`, `proposals/`, `judges/`, `corpus/`, `fg_clep/`.
        tell: is told which stage begins, or was done before.

    Returns:
        The folder of the last model.
    """
    output_dir = Path(output_dir)
    # all mistakes before the first step
    places = {f"model.init_from.{WHOLE}": str(output_dir / FIRST), "data.path": str(output_dir / CORPUS)}
    last = third([as_override(*item) for item in (places | {"data.config": first.data.config}).items()])
    if last.data.columns.text == first.data.columns.text:
        raise ValueError(f"the third stage trains on data.columns.text={last.data.columns.text}, wanted {AUGMENTED}")
    if not (output_dir / CORPUS / STATISTICS_NAME).is_file():
        make_proposer(stages.proposer)
    _train(first, output_dir / FIRST, "stage 1 of 3, CLEP", tell)
    tell(f"stage 2 of 3, waveform features by {stages.proposer.name}, {' and '.join(stages.verification.verifier)}")
    enrich(stages, first, output_dir)
    _train(last, output_dir / THIRD, "stage 3 of 3, FG-CLEP", tell)
    return output_dir / THIRD


def _train(recipe: Recipe, folder: Path, title: str, tell: Callable[[str], None]) -> None:
    if (folder / RUN_NAME).is_file():
        check_same_recipe(recipe, folder)
        tell(f"{title}: done before")
        return
    tell(title)
    pretrain(recipe, folder, resume=folder.is_dir(), disconnect=False)


def _check_settings(path: Path, settings: dict) -> None:
    if path.is_file():
        before = read_json_object(path)
        for key, usual in (("proposer", ProposerSection()), ("verification", VerificationSection())):
            before[key] = _of_consequence(usual) | before.get(key, {})  # options that were added since
        differing = sorted(key for key in settings if before.get(key) != settings[key])
        if differing:
            raise ValueError(f"{path.parent} was begun with other settings of {differing}: choose another folder")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    incomplete = path.with_suffix(f".{os.getpid()}.incomplete")
    incomplete.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    os.replace(incomplete, path)
