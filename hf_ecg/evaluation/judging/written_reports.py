"""Reports that a model writes of ECGs, kept as they are written so that a long run can go on."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from transformers.utils import logging

from ...checks import check_positive_integer
from ...data.rows import rows_fingerprint
from ...files import atomic_file
from ...progress import progress_bar
from ...version import __version__
from ..loading import extractor_of
from ..weights import tensors_digest
from .features import PreparedRows, frozen

logger = logging.get_logger(__name__)


@dataclass(frozen=True)
class WritingOptions:
    """How reports are written: always the likeliest words, never drawn ones.

    Args:
        num_beams: 1 is greedy.
        max_new_tokens: at most; None leaves it to the model.

    Raises:
        ValueError: a number below one.
    """

    num_beams: int = 1
    max_new_tokens: int | None = None

    def __post_init__(self):
        check_positive_integer("num_beams", self.num_beams)
        if self.max_new_tokens is not None:
            check_positive_integer("max_new_tokens", self.max_new_tokens)

    @property
    def words(self) -> str:
        """Such as "greedy" or "4 beams"."""
        return "greedy" if self.num_beams == 1 else f"{self.num_beams} beams"


GREEDY = WritingOptions()


def write_reports(
    model,
    processor,
    dataset,
    options: WritingOptions = GREEDY,
    batch_size: int = 64,
    description: str | None = None,
    keep: "KeptReports | None" = None,
) -> list[str]:
    """A report for each row, in their order.

    Of a record that the extractor cuts into several crops the first one is read.

    Args:
        model: one that can generate; see `loading.load_writer`.
        processor: of the model: feature extractor and tokenizer.
        dataset: rows of a corpus.
        options: greedy or beams.
        batch_size: ECGs at a time.
        description: title of the progress bar; None shows none.
        keep: where reports are kept; those that are there already are not written again.

    Raises:
        ValueError: the options do not fit the model, or rows that the extractor refuses.
    """
    names = dataset.select_columns(["record_id"]).with_format(None)["record_id"][:]
    found = {} if keep is None else dict(keep.found)
    absent = [place for place, name in enumerate(names) if name not in found]
    if absent:
        rows = PreparedRows(processor, dataset.select(absent), batch_size, window="recipe")
        shown = {"desc": description or "", "disable": description is None}
        with frozen(model), progress_bar(total=len(absent), leave=False, **shown) as bar:
            done = 0
            for batch in rows:
                texts = _write(model, processor.tokenizer, batch, options)
                new = {names[place]: text for place, text in zip(absent[done:], texts, strict=False)}
                found |= new
                if keep is not None:
                    keep.add(new)
                done += len(texts)
                bar.update(len(texts))
    return [found[name] for name in names]


def _write(model, tokenizer, batch: Mapping, options: WritingOptions) -> list[str]:
    device = next(model.parameters()).device
    index = torch.as_tensor(batch["record_index"])
    first = torch.tensor([int((index == number).nonzero()[0, 0]) for number in range(batch["num_records"])])
    inputs = {
        key: value[first].to(device)
        for key, value in batch.items()
        if isinstance(value, torch.Tensor) and key != "record_index"
    }
    length = {} if options.max_new_tokens is None else {"max_new_tokens": options.max_new_tokens}
    tokens = model.generate(**inputs, num_beams=options.num_beams, do_sample=False, **length)
    return [" ".join(text.split()) for text in tokenizer.batch_decode(tokens, skip_special_tokens=True)]


class KeptReports:
    """A file of JSON lines: what the reports were written by, and a line for each record.

    A file of the same weights, rows and options is gone on with, a line that was cut short left out. One of others is
    made anew, and the log says so.

    Args:
        path: of the file.
        about: what must be the same; see `about_writing`.

    Attributes:
        found: record -> report.
    """

    def __init__(self, path: str | Path, about: Mapping):
        self.path, self.found = Path(path), {}
        head, *lines = self._read()
        if head == dict(about):
            self.found = {line["record_id"]: line["report"] for line in lines}
        elif head is not None:
            differ = sorted(key for key in about if head.get(key) != about[key])
            logger.warning("the reports in %s are of other %s: they are written anew", path, ", ".join(differ))
        with atomic_file(self.path) as file:
            file.write(_line(dict(about)))
            file.writelines(_line({"record_id": name, "report": text}) for name, text in self.found.items())

    def add(self, reports: Mapping[str, str]) -> None:
        """Writes some reports behind the others."""
        self.found |= reports
        with self.path.open("a", encoding="utf-8") as file:
            file.writelines(_line({"record_id": name, "report": text}) for name, text in reports.items())

    def _read(self) -> list:
        """The first line, None without a file, and all whole ones behind it."""
        if not self.path.is_file():
            return [None]
        lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines()
        found = [_entry(line) for line in lines]
        if not found or found[0] is None or "options" not in found[0]:
            raise ValueError(f"{self.path} holds something that is not reports: name another file")
        # a run that was stopped while it wrote a line left it short
        return [found[0], *(entry for entry in found[1:] if entry and {"record_id", "report"} <= entry.keys())]


def about_writing(model, processor, dataset, options: WritingOptions) -> dict:
    """What written reports depend on: weights, extractor, rows, options and the version of the package."""
    return {
        "weights": tensors_digest(model),
        "feature_extractor": json.loads(extractor_of(processor).to_json_string()),
        "records": rows_fingerprint(dataset),
        "options": asdict(options),
        "hf_ecg_version": __version__,
    }


def commonest_report(texts: Sequence[str]) -> str:
    """The text that most records have, the first in order of the alphabet among equals.

    Raises:
        ValueError: no text.
    """
    counts: dict[str, int] = {}
    for text in texts:
        counts[text] = counts.get(text, 0) + 1
    if not counts:
        raise ValueError("the training rows hold no report, so none is the commonest")
    return min(counts, key=lambda text: (-counts[text], text))


def _entry(line: str) -> dict | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def _line(entry: Mapping) -> str:
    return json.dumps(entry, ensure_ascii=False) + "\n"
