"""The rows of a recipe's corpora: to train on, to select on, and what the deterministic steps make of them."""

from collections.abc import Sequence
from pathlib import Path

import datasets
import numpy as np
from accelerate import Accelerator
from transformers.utils import logging

from ..data.corpus import load_corpus, require_columns
from ..data.prepared import PreparedInputs, prepared_inputs
from ..evaluation.judging.linear_probe import patient_fraction
from ..evaluation.protocol import SourceFacts, check_source_folds
from .data_sections import DataSection, SourceSection
from .methods import Feeding, Method

logger = logging.get_logger(__name__)


def load_sources(
    section: DataSection, method: Method, with_validation: bool, seed: int = 0, strict: bool = False
) -> tuple[list[datasets.Dataset], list[tuple[str, datasets.Dataset]]]:
    """The rows to train on, a data set for each source, and those to select on, with the source's name.

    Args:
        section: where from, and which.
        method: what the rows are for: those that it can make nothing of are left out, and the log counts them.
        with_validation: whether rows to select on are wanted.
        seed: of the controls, and of the share of the patients.
        strict: keep the rows that are marked as unusable.

    Raises:
        ValueError: no path, a column or lead that the corpora do not have, no rows left, or the folds that one source
            trains on are those that another one of the same corpus selects on.
    """
    check_source_folds(
        [
            SourceFacts(s.path, s.config, train_folds=tuple(s.folds.train), validation_folds=tuple(s.folds.validation))
            for s in section.sources
        ]
    )
    sources, judged, names = [], [], source_names(section.sources)
    for place, source in enumerate(section.sources):
        if not source.path:
            raise ValueError(
                f"data.sources.{place}.path is not given: a recipe names it, or `--data CORPUS` of the command does"
            )
        rows = _rows(place, section, method, source.folds.train, strict)
        rows = method.select(rows, training=True, seed=seed)
        _check_leads(rows, section)
        if section.train_percent is not None:
            patients = rows.select_columns("patient_id")["patient_id"][:]
            rows = rows.select(np.flatnonzero(patient_fraction(patients, section.train_percent / 100, seed)))
        if len(rows) == 0:
            raise ValueError(f"{source.path}: no rows to train on in folds {source.folds.train}")
        sources.append(rows)
        if with_validation and source.folds.validation:
            kept = _rows(place, section, method, source.folds.validation, strict)
            judged.append((names[place], method.select(kept, training=False, seed=seed)))
    _check_optional(sources, method, names)
    method.check(sources)
    return sources, judged


def source_names(sources: Sequence[SourceSection]) -> list[str]:
    """What the figures of each corpus are called: its configuration or folder, with a number where two are alike."""
    names = [source.config or Path(source.path or "").name for source in sources]
    return [name if names.count(name) == 1 else f"{name}#{place}" for place, name in enumerate(names)]


def _rows(place: int, section: DataSection, method: Method, folds: list[int], strict: bool):
    source = section.sources[place]
    rows = load_corpus(source.path, config=source.config, folds=folds, keep_unusable=strict)
    optional = method.optional_columns if len(section.sources) > 1 else []
    require_columns(rows, [column for column in method.columns if column not in optional], source.path)
    return rows if section.environments is None else section.environments.select(rows, place)


def _check_optional(sources: list[datasets.Dataset], method: Method, names: list[str]) -> None:
    """A column that one source may lack is in another one; the log tells which sources lack it."""
    for column in method.optional_columns:
        lacking = [name for name, rows in zip(names, sources, strict=True) if column not in rows.column_names]
        if len(lacking) == len(sources):
            raise ValueError(f"no corpus of data.sources has a column {column!r}")
        if lacking:
            logger.warning("%s: no column %r, its records count as not annotated for it", ", ".join(lacking), column)


def _check_leads(rows: datasets.Dataset, section: DataSection) -> None:
    if section.leads is None:
        return
    carried = set(map(tuple, rows.with_format(None).select_columns(["leads"])["leads"]))
    short = [leads for leads in carried if not {x.upper() for x in section.leads} <= {x.upper() for x in leads}]
    if short:
        raise ValueError(f"data.leads wants {section.leads}, but records carry {list(short[0])}")


def prepare_rows(method: Method, feeding: Feeding, accelerator: Accelerator | None) -> PreparedInputs:
    """What the steps before `views` make of the training rows, from the cache or made now by the first process."""
    collator = method.collator(feeding)
    folder = Path(datasets.config.HF_CACHE_HOME) / "hf_ecg" / "prepared"
    is_main = accelerator is None or accelerator.is_main_process
    if is_main:
        prepared_inputs(folder, collator, feeding.sources)
    if accelerator is not None:
        accelerator.wait_for_everyone()
    return prepared_inputs(folder, collator, feeding.sources)
