"""What beats cost at 125 Hz and as they were recorded: the same beats, step beside step."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from ...data.collators import ECGClassificationCollator
from ...data.corpus import label_names, load_corpus
from ...data.readers.mit_bih_beats import AAMI_SET
from ...models.ecg_resnet import ECGResNetConfig, ECGResNetForECGClassification
from ...processing import ECGFeatureExtractor
from .beat_runs import TRAIN, BeatRun, run_recipe

BATCH = 256


def measure_rates(corpora: Mapping[int, Path], pairs: int = 12, overrides: Sequence[str] = ()) -> dict:
    """Seconds of a step and bytes, at each rate.

    Steps of both rates take turns, so that what else the machine does falls on both; they are timed by the
    processor's clock, on one thread.

    Args:
        corpora: rate -> corpus of the same beats.
        pairs: steps of each rate that are timed, after two that are not.
        overrides: of the recipe.

    Returns:
        "rates": rate -> `step_ms` and `forward_ms` (medians), `input_bytes` of a beat, `saved_bytes` of a beat (what
        a step keeps for its backward pass) and `corpus_bytes`. "ratios": of the first rate to the last, the median
        over pairs and its quartiles for the times.
    """
    parts = {rate: _Steps(rate, corpus, overrides) for rate, corpus in corpora.items()}
    timed: dict[int, list] = {rate: [] for rate in parts}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for number in range(pairs + 2):
            for rate, part in parts.items():
                seconds = part.seconds()
                if number >= 2:
                    timed[rate].append(seconds)
    finally:
        torch.set_num_threads(threads)
    times = {rate: np.array(values) for rate, values in timed.items()}
    found = {
        rate: {
            "step_ms": float(np.median(times[rate][:, 0])) * 1000,
            "forward_ms": float(np.median(times[rate][:, 1])) * 1000,
            "input_bytes": part.input_bytes,
            "saved_bytes": part.saved_bytes(),
            "corpus_bytes": sum(file.stat().st_size for file in corpora[rate].rglob("*.parquet")),
        }
        for rate, part in parts.items()
    }
    first, last = (list(parts)[place] for place in (0, -1))
    shares = times[first] / times[last]
    ratios: dict = {
        name: dict(
            zip(("value", "low", "high"), np.quantile(shares[:, place], [0.5, 0.25, 0.75]).tolist(), strict=True)
        )
        for place, name in enumerate(("step_ms", "forward_ms"))
    }
    for name in ("input_bytes", "saved_bytes", "corpus_bytes"):
        ratios[name] = found[first][name] / found[last][name]
    return {"batch": BATCH, "pairs": pairs, "rates": {str(rate): one for rate, one in found.items()}, "ratios": ratios}


class _Steps:
    """Training steps on one batch of beats of a rate."""

    def __init__(self, rate: int, corpus: Path, overrides: Sequence[str]):
        recipe = run_recipe(BeatRun(rate=rate), corpus, overrides)
        rows = load_corpus(corpus, split=TRAIN)
        names = label_names(rows, AAMI_SET)
        torch.manual_seed(0)
        self.model = ECGResNetForECGClassification(
            ECGResNetConfig(**recipe.model.config, num_labels=len(names), problem_type="single_label_classification")
        )
        self.optimizer = torch.optim.AdamW(self.model.parameters())
        extractor = ECGFeatureExtractor(**recipe.processor.feature_extractor)
        collator = ECGClassificationCollator(extractor, [AAMI_SET], {AAMI_SET: names}, single_label=True)
        some = rows.select_columns(collator.columns).select(range(min(BATCH, len(rows))))
        self.batch = collator(list(some))
        values = self.batch["input_values"]
        self.input_bytes = values.element_size() * values[0].numel()

    def seconds(self) -> tuple[float, float]:
        """Of a whole training step, and of a forward pass without gradient."""
        start = time.process_time()
        self.model(**self.batch).loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        between = time.process_time()
        with torch.no_grad():
            self.model(**self.batch)
        return between - start, time.process_time() - between

    def saved_bytes(self) -> float:
        """A beat: every tensor once, the weights left out."""
        weights = {parameter.data_ptr() for parameter in self.model.parameters()}
        kept: dict[int, int] = {}

        def keep(tensor: torch.Tensor) -> torch.Tensor:
            if tensor.data_ptr() not in weights:
                kept[tensor.data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            loss = self.model(**self.batch).loss
        del loss
        return sum(kept.values()) / len(self.batch["input_values"])
