"""What FG-CLEP's stages are: two recipes, who proposes, how is verified; read from strict YAML."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from huggingface_hub.dataclasses import strict

from ...data.corpus_card import read_summary
from ...enrichment.proposals.proposer_section import ProposerSection
from ...enrichment.verification.cross_fit import GROUPS
from ...enrichment.verification.decisions import CLEP, MEASURED
from ...enrichment.verification.thresholds import MINIMUM_POSITIVES, TARGET_PRECISION
from ...input_files import read_input
from ...strict_yaml import load_yaml
from ...training.recipe import Recipe, apply_override, as_override, load_recipe
from ...training.sections import parse_section


@strict
@dataclass
class VerificationSection:
    """How proposed features are verified, see `verification_run.verify`.

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


@strict
@dataclass
class Stages:
    """A file that names the three stages.

    Args:
        first, third: recipes, beside the file. The third continues the first: it has no weights of its own.
        first_overrides: `section.key=value` of the first recipe; those of a call come after them.
        text_column: training text of the corpus that the features are proposed for.
        compat_appended_text: the third stage trains on `augmented_report`, as the paper describes it: verified
            features are further sentences of the text, and whatever the text does not say counts as false. Without it
            the third recipe says what is trained; fg_clep_ptb_xl.yaml takes every feature as a text of its own, which
            is true of a record, false, or not known.
    """

    first: str
    third: str
    proposer: ProposerSection = field(default_factory=ProposerSection)
    verification: VerificationSection = field(default_factory=VerificationSection)
    first_overrides: list[str] = field(default_factory=list)
    text_column: str = "text"
    compat_appended_text: bool = False


def load_stages(path, overrides: Sequence[str] = ()) -> Stages:
    """Reads a file of stages; `overrides` are strings such as `proposer.name=endpoint`.

    Raises:
        ValueError: unknown or missing key, wrong type.
        OSError: the file cannot be read.
    """
    content = load_yaml(read_input(path), str(path))
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds {type(content).__name__}, wanted a mapping")
    for override in overrides:
        apply_override(content, override)
    return parse_section(Stages, content, "", str(path))


@dataclass(frozen=True)
class StagesRun:
    """Stages with their recipes.

    Args:
        first: resolved.
        third: makes the recipe of the third stage from further overrides: what it begins with, and the corpus.
    """

    stages: Stages
    first: Recipe
    third: Callable[[list[str]], Recipe]


def load_stages_run(
    path,
    data: str,
    config: str | None = None,
    both: Sequence[str] = (),
    overrides: Sequence[str] = (),
    first: Sequence[str] = (),
    third: Sequence[str] = (),
) -> StagesRun:
    """Reads a file of stages, and the recipe of the first.

    Args:
        data, config: prepared corpus, a folder or a Hub id, and its configuration; None takes that of a folder.
        both: `section.key=value` of both recipes, such as their folds.
        overrides, first, third: of the stages, of the first recipe, of the third.

    Raises:
        ValueError, OSError: see `load_stages` and `load_recipe`.
    """
    stages, directory = load_stages(path, overrides), Path(path).parent
    config = config or read_summary(data).get("config")
    corpus = [as_override("data.sources.0.path", data), as_override("data.sources.0.config", config)]

    def third_recipe(given: list[str]) -> Recipe:
        return load_recipe(directory / stages.third, [*given, *both, *third])

    first_recipe = load_recipe(directory / stages.first, [*corpus, *stages.first_overrides, *both, *first])
    return StagesRun(stages, first_recipe, third_recipe)
