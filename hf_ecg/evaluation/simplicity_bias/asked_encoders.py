"""Encoders with probes, and what each says of the judged records under every condition."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from ...data.rows import rows_fingerprint
from ...files import ArrayStore, values_digest
from ..judging.features import PreparedRows, random_model, run_model
from ..judging.refused import nan_where_refused
from ..loading import load_encoder, pick_device
from ..options import ForwardOptions
from ..robustness.disturbed_rows import DisturbedRows
from ..robustness.judged_model import JudgedModel, JudgedTask, probed_judge
from .cues import CueCondition


@dataclass
class AskedEncoder:
    """One encoder, such as a seed of a system.

    Args:
        judged: with the probes that were fitted on all training rows.
        features: split -> pooled outputs of "train" and "validation".
        found: cue -> pooled outputs of the test rows, NaN for rows that are refused.
    """

    judged: JudgedModel
    features: dict[str, np.ndarray] = field(default_factory=dict)
    found: dict[str, np.ndarray] = field(default_factory=dict)


class Asking:
    """How encoders are asked; what they said is kept in a folder, and not asked again.

    Args:
        splits: "train", "validation" and "test".
        tasks: label sets with rows of all splits.
        conditions: of the test rows.
        folder: keeps what was computed.
        forward: how a model is run.
        lead: of an encoder of a single lead.
        seed: of the first encoder's probe, and of its random weights.
    """

    def __init__(
        self,
        splits: Mapping,
        tasks: Sequence[JudgedTask],
        conditions: Sequence[CueCondition],
        folder: Path,
        forward: ForwardOptions,
        lead: str | None,
        seed: int,
    ):
        self.splits, self.tasks, self.conditions = splits, tasks, conditions
        self.store, self.forward, self.lead, self.seed = ArrayStore(folder), forward, lead, seed
        self.device = pick_device(forward.device)
        self._rows = {split: rows_fingerprint(rows) for split, rows in splits.items()}

    def ask(self, folder: str, place: int, drawn: bool = False) -> AskedEncoder:
        """The encoder of a model folder, or one like it whose weights are drawn anew.

        Args:
            folder: of the model.
            place: which of its system's seeds it is, from 0.
            drawn: draw its weights.

        Raises:
            ValueError: an encoder of a single lead that accepts several, and no `lead`; no row that can be read.
        """
        encoder, extractor = load_encoder(folder, self.device)
        if drawn:
            encoder = random_model(encoder, self.seed + place)
        kept: dict[str, np.ndarray] = {}

        def features(key: dict, split: str, compute) -> np.ndarray:
            name = values_digest(key | self.forward.key() | {"rows": self._rows[split]})
            kept[split] = self.store.make(f"{split}-{name}", lambda: {"values": compute()})["values"]
            return kept[split]

        title = "random encoder" if drawn else folder
        given = {"lead": self.lead, "seed": self.seed + place, "options": self.forward, "features": features}
        judged = probed_judge(encoder, extractor, title, self.tasks, self.splits, **given)
        return AskedEncoder(judged, kept, {one.cue: self._said(judged, one, title) for one in self.conditions})

    def _said(self, judged: JudgedModel, condition: CueCondition, title: str) -> np.ndarray:
        def embed(rows) -> np.ndarray:
            batches = DisturbedRows(judged.extractor, rows, condition, self.forward.batch_size, self.lead)
            batches.check_readable()
            words = f"{title}, {condition.cue}"
            return run_model(judged.model, batches, judged.forward, words, self.forward.crops).numpy()

        key = judged.key | self.forward.key() | {"lead": self.lead, "rows": self._rows["test"]}
        name = f"{condition.cue}-{values_digest(key | {'condition': condition.key})}"
        make = partial(nan_where_refused, embed, self.splits["test"], self.forward.strict)
        return self.store.make(name, lambda: {"values": make()})["values"]

    def prepared(self, judged: JudgedModel, rows: np.ndarray) -> PreparedRows:
        """Some of the test rows, as they are."""
        return PreparedRows(
            judged.extractor, self.splits["test"].select(rows), self.forward.batch_size, lead=self.lead
        )
