"""How far apart the weights of CLEF's loss must lie to teach a risk, where it is known what the risk explains."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ...data.views import apply_views
from ...evaluation.judging.ridge_probe import ridge_probe
from ...losses import WeightSpread, info_nce_loss, risk_weighted_contrastive_loss
from ...losses.risk_terms import risk_terms
from ...losses.risk_weights import row_deviation
from ...losses.view_pairs import view_pairs
from ...models.ecg_resnet import ECGResNetConfig, ECGResNetModel
from ...progress import progress_bar
from ...simulation.risk_waveforms import RiskWaveforms, risk_waveforms

PLAIN, PUBLISHED, DEALT = "InfoNCE", "published", "dealt"
_VIEWS = [{"name": "random_crop", "num_samples": 500}, {"name": "gaussian_noise", "rms": [0.0, 0.04]}]
_BATCH = 128


@dataclass(frozen=True)
class SpreadStudy:
    """What is tried.

    Args:
        shares: of the variance between waveforms that the risk explains.
        spreads: of the log-weights, in standard deviations of the negatives' logits.
        seeds: of patients, weights and order; each has records of its own.
        records: of each of training and test; a quarter as many more choose the probe's strength.
        steps: of a training, in batches of 128.
        temperature: of the loss.
        dealt: also every spread with the risks of other patients.
    """

    shares: Sequence[float] = (0.0, 0.01, 0.05, 0.2)
    spreads: Sequence[float] = (0.25, 0.5, 1.0, 2.0)
    seeds: Sequence[int] = (0, 1)
    records: int = 1024
    steps: int = 60
    temperature: float = 0.1
    dealt: bool = False

    def __post_init__(self):
        if self.records < _BATCH or self.steps < 2:
            raise ValueError(f"{self.records} records and {self.steps} steps, wanted at least {_BATCH} and 2")
        wrong = [share for share in self.shares if not 0 <= share <= 1]
        if wrong:
            raise ValueError(f"shares are {list(self.shares)}, wanted numbers from 0 to 1")

    def ways(self) -> dict[str, tuple[dict | None, bool]]:
        """Name -> options of the loss (None for InfoNCE), and whether risks are dealt."""
        found: dict[str, tuple[dict | None, bool]] = {PLAIN: (None, False), PUBLISHED: ({}, False)}
        for spread in self.spreads:
            found[f"{spread:g}"] = ({"sharpness": WeightSpread(spread)}, False)
            if self.dealt:
                found[f"{spread:g}, {DEALT}"] = ({"sharpness": WeightSpread(spread)}, True)
        return found


def spread_study(study: SpreadStudy) -> list[dict]:
    """Trains a small encoder each way, and asks its features for the logarithm of the risk.

    Returns:
        For each share, seed and way a dict of `share`, `seed`, `way`, `spread` (the deviation of the log-weights over
        that of the logits, in the last batch) and `r2`: the explained share of the log-risk's variance in records that
        neither the encoder nor the probe has seen.
    """
    runs = [(share, seed, way) for share in study.shares for seed in study.seeds for way in study.ways()]
    found = []
    for share, seed, way in progress_bar(runs, desc="risk-spread", unit="run"):
        records = risk_waveforms(2 * study.records + study.records // 4, share, seed)
        encoder, spread = _trained(study, records, seed, *study.ways()[way])
        told = {"share": share, "seed": seed, "way": way, "spread": spread}
        found.append(told | {"r2": _explained(encoder, records, study.records)})
    return found


def _trained(
    study: SpreadStudy, records: RiskWaveforms, seed: int, options: dict | None, dealt: bool
) -> tuple[ECGResNetModel, float]:
    """An encoder, and the spread of the weights at the end, in deviations of the logits."""
    torch.manual_seed(seed)
    encoder = ECGResNetModel(_small_encoder()).train()
    width = encoder.config.hidden_size
    projection = nn.Sequential(nn.Linear(width, 64), nn.BatchNorm1d(64), nn.GELU(), nn.Linear(64, 32))
    optimizer = torch.optim.AdamW([*encoder.parameters(), *projection.parameters()], 2e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, study.steps, pct_start=0.1)
    generator = torch.Generator().manual_seed(seed)
    signals = torch.from_numpy(records.signals[: study.records])
    risk = torch.from_numpy(records.risk[: study.records]).float()
    if dealt:
        risk = risk[torch.randperm(len(risk), generator=torch.Generator().manual_seed(seed + 1))]
    spread = 0.0
    for step in range(study.steps):
        drawn = torch.randperm(len(risk), generator=generator)[:_BATCH]
        views = [apply_views(signals[drawn], _VIEWS, generator, sampling_rate=100).input_values for _ in range(2)]
        first, second = F.normalize(projection(encoder(torch.cat(views)).pooler_output), dim=-1).chunk(2)
        if options is None:
            loss = info_nce_loss(first, second, study.temperature)
        else:
            given = {"risk": risk[drawn], "alignment_weight": 0.0, **options}
            loss = risk_weighted_contrastive_loss(first, second, study.temperature, **given)
            if step == study.steps - 1:
                spread = _spread(first, second, risk[drawn], study.temperature, options)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return encoder.eval(), spread


@torch.no_grad()
def _spread(first, second, risk, temperature: float, options: dict) -> float:
    pairs, scale = view_pairs(first, second, None), torch.tensor(temperature)
    weights = risk_terms(pairs, scale, risk[:, None], **options).log_weights
    logits = pairs.anchors @ pairs.columns.T / scale
    return (row_deviation(weights, pairs.negative) / row_deviation(logits, pairs.negative)).mean().item()


def _small_encoder() -> ECGResNetConfig:
    return ECGResNetConfig(
        num_leads=1,
        num_samples=1000,
        sampling_rate=100,
        stem_width=16,
        stem_kernel_size=15,
        stem_pooling=True,
        widths=[24, 32],
        depths=[1, 1],
        kernel_sizes=[7, 5],
        strides=[2, 2],
        final_width=64,
        pooling="mean_max",
    )


def _explained(encoder: ECGResNetModel, records: RiskWaveforms, train: int) -> float:
    with torch.no_grad():
        parts = torch.from_numpy(records.signals).split(256)
        features = torch.cat([encoder(part).pooler_output for part in parts]).numpy()
    target, chosen = np.log(records.risk), train + train // 4
    told = ridge_probe(
        features[:train], target[:train], features[train:chosen], target[train:chosen], features[chosen:]
    )
    return float(1 - np.mean((told - target[chosen:]) ** 2) / target[chosen:].var())
