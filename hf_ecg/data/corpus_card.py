"""What the summary and the card of a prepared corpus tell about its rows."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from datasets import DatasetInfo, Features, SplitDict, SplitInfo
from datasets.info import DatasetInfosDict
from huggingface_hub import DatasetCardData, hf_hub_download
from transformers.utils import logging

from ..cards import CARD_NAME, TAGS, render_card
from ..strict_json import read_json_object
from .quality_counts import add_quality_counts, describe_quality, no_quality_counts
from .schema import UNUSABLE
from .shard_checks import SHARDS, shards_digest

logger = logging.get_logger(__name__)

SUMMARY_NAME = "summary.json"
SIMULATED = "simulated"


@dataclass(frozen=True)
class CorpusCard:
    """What the card of a corpus says beside its counts.

    Args:
        title: heading.
        source: what the rows were read from, with its version.
        splits: a sentence on how the splits were made.
        texts: what `text` holds, without the full stop.
        licence, citation: of the data; the citation a whole sentence.
        records: what a row is.
        script: command that prepares it.
        labels: continues the sentence on label sets.
        label_sets: those to list with their classes; empty lists all.
        notes: further lines.
    """

    title: str
    source: str
    splits: str
    texts: str
    licence: str
    citation: str
    records: str = "twelve-lead ECGs of 10 s"
    script: str = ""
    labels: str = ""
    label_sets: Sequence[str] = ()
    notes: Sequence[str] = ()


class CorpusCounts:
    """What the summary and the card tell about the rows."""

    def __init__(self, features: Features, skipped: Iterable[dict] = ()):
        self.names = {
            name: feature.feature.names
            for name, feature in features.items()
            if hasattr(getattr(feature, "feature", None), "names")
        }
        self.rows: dict[str, int] = {}
        self.patients: dict[str, set] = {}
        self.empty_text: dict[str, int] = {}
        self.classes = {name: dict.fromkeys(classes, 0) for name, classes in self.names.items()}
        self.quality = no_quality_counts()
        self.skipped = list(skipped)
        self.unusable: list[dict] = []

    def add(self, split: str, table: pa.Table, skipped: Iterable[dict], quality: dict) -> None:
        self.rows[split] = self.rows.get(split, 0) + table.num_rows
        self.patients.setdefault(split, set()).update(table["patient_id"].to_pylist())
        empty = sum(not text for text in table["text"].to_pylist())
        self.empty_text[split] = self.empty_text.get(split, 0) + empty
        for name, classes in self.names.items():
            for labels in table[name].to_pylist():
                for label in labels or ():
                    self.classes[name][classes[label]] += 1
        for record, reason in zip(table["record_id"].to_pylist(), table[UNUSABLE].to_pylist(), strict=True):
            if reason:
                self.unusable.append({"record": record, "reason": reason})
        add_quality_counts(self.quality, quality)
        self._skip(skipped)

    def _skip(self, entries: Iterable[dict]) -> None:
        """A record that is an item of several splits is skipped once."""
        known = {tuple(entry.values()) for entry in self.skipped}
        self.skipped.extend(entry for entry in entries if tuple(entry.values()) not in known)

    def state(self) -> dict:
        """Everything counted, as JSON takes it; see `merge`."""
        patients = {split: sorted(names) for split, names in self.patients.items()}
        return vars(self) | {"patients": patients}

    def merge(self, state: dict) -> None:
        """Adds the `state` of other counts."""
        for name in ("rows", "empty_text"):
            total = getattr(self, name)
            for split, count in state[name].items():
                total[split] = total.get(split, 0) + count
        for split, names in state["patients"].items():
            self.patients.setdefault(split, set()).update(names)
        for label_set, classes in state["classes"].items():
            for label, count in classes.items():
                self.classes[label_set][label] += count
        add_quality_counts(self.quality, state["quality"])
        self._skip(state["skipped"])
        self.unusable.extend(state["unusable"])

    def reasons(self) -> dict[str, int]:
        return dict(Counter(entry["kind"] for entry in self.skipped))

    def unusable_kinds(self) -> dict[str, int]:
        return dict(Counter(entry["reason"].partition(":")[0] for entry in self.unusable))


def write_card(folder: Path, corpus, summary: dict, splits: Sequence[SplitInfo]) -> None:
    """README.md of a corpus, whose front matter tells `load_dataset` the configurations and files.

    It holds `dataset_info`, with which `load_dataset` counts the rows, and the digest of the shards as the
    configuration's description. Both are part of what `load_dataset` caches a folder by; without them it knows
    the folder's last name alone, and a corpus prepared anew, or another one, would come back as the first one was.

    A corpus whose facts say `simulated` is called so in its card and tags: its figures are not results.
    """
    files = [{"split": split, "path": f"{corpus.config_name}/{split}-*.parquet"} for split in corpus.splits]
    files = [entry for entry in files if summary["rows"].get(entry["split"])]
    splits = [split for split in splits if split.num_examples]
    config = {"config_name": corpus.config_name, "data_files": files, "default": True}
    config["description"] = f"shards {shards_digest(summary[SHARDS])}"
    info = DatasetInfo(
        config_name=corpus.config_name,
        features=corpus.features,
        splits=SplitDict({split.name: split for split in splits}),
        download_size=sum(facts["bytes"] for facts in summary[SHARDS].values()),
        dataset_size=sum(split.num_bytes for split in splits),
    )
    data = DatasetCardData()
    DatasetInfosDict({corpus.config_name: info}).to_dataset_card_data(data)
    front = corpus.front_matter | {"configs": [config], "dataset_info": data.to_dict()["dataset_info"]}
    tags = [*TAGS, *front.get("tags", []), *([SIMULATED] if summary.get(SIMULATED) else [])]
    front["tags"] = list(dict.fromkeys(tags))
    values = {"summary": {SIMULATED: False} | summary, "quality": describe_quality(summary["quality"])}
    card = render_card("dataset.md.jinja", front, text=corpus.card(summary), **values)
    (folder / CARD_NAME).write_text(card, encoding="utf-8")


def read_summary(path) -> dict:
    """`summary.json` of a prepared corpus, a folder or Hub id; empty, with a warning, when there is none.

    Raises:
        ValueError: it is damaged.
    """
    file = Path(path) / SUMMARY_NAME
    is_path = Path(path).is_dir() or Path(path).is_absolute()
    if not file.is_file() and not is_path and str(path).count("/") == 1:
        try:
            file = Path(hf_hub_download(str(path), SUMMARY_NAME, repo_type="dataset"))
        except OSError as error:
            logger.warning("no %s of the data set %s: %s", SUMMARY_NAME, path, error)
            return {}
    if not file.is_file():
        logger.warning("%s is not there: where the texts come from, and what was held out, is not known", file)
        return {}
    return read_json_object(file)


def is_simulated(path) -> bool:
    """Whether the summary of a prepared corpus says that nobody recorded its signals."""
    return bool(read_summary(path).get(SIMULATED))
