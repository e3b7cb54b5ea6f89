"""What is done to recordings before a model sees them: leads taken away, noise added."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ...checks import check_one_of
from ...data.added_noise import MIXTURE, NOISES, NSTDB, AddedNoise
from ...data.view_base import record_generator
from ...lead_costs import CLEAN, LEAD_SETS
from ...processing.inputs import read_row
from ...signals.record import Record

SNRS_DB = (12.0, 6.0, 0.0, -6.0)
ALL, MASKED = "all leads", "masked leads"
TABLES = (GRID, TOLERANTECG) = ("grid", "tolerantecg")


@dataclass(frozen=True)
class NoiseOptions:
    """Which noise a table adds.

    Args:
        kinds: of `AddedNoise`.
        snrs_db: signal over noise, in decibels.
        rule: what counts as signal and as noise, see `data.added_noise.signal_power`.
        recordings: folder with the Noise Stress Test Database; None simulates.
        seed: of noise and of masked leads.
        mask_rate: of the table "tolerantecg": the share of leads that are removed, drawn for each record.

    Raises:
        ValueError: an unknown kind, no ratio, a rate outside of 0 to 1.
    """

    kinds: tuple[str, ...] = tuple(NOISES)
    snrs_db: tuple[float, ...] = SNRS_DB
    rule: str = NSTDB
    recordings: str | None = None
    seed: int = 0
    mask_rate: float = 0.5

    def __post_init__(self):
        if not self.kinds or not self.snrs_db or not np.isfinite(self.snrs_db).all():
            raise ValueError(f"kinds are {self.kinds}, ratios {self.snrs_db}: wanted at least one of each, finite")
        if not 0 <= self.mask_rate < 1:
            raise ValueError(f"mask_rate is {self.mask_rate}, wanted 0 or more and below 1")
        for kind in self.kinds:
            self.of(kind, self.snrs_db[0])

    def of(self, kind: str, snr_db: float) -> AddedNoise:
        """One noise of the table."""
        return AddedNoise(kind, snr_db, self.rule, self.recordings, self.seed)


def recording_of(row: Mapping) -> Record:
    """A row of a corpus as a record, its counts as they are stored."""
    recording = read_row(row, "the row")
    gain, baseline = np.asarray(recording.gain), np.asarray(recording.baseline)
    values = recording.values.astype(np.int16)
    return Record(str(row["record_id"]), values, gain, baseline, recording.leads, recording.sampling_rate)


@dataclass(frozen=True)
class Condition:
    """A cell of a table: which leads are left, and what is added to them.

    Args:
        leads: name of the column: one of `LEAD_SETS`, `ALL` or `MASKED`.
        noise: what is added, before leads are removed; None adds nothing.
        mask_rate: of `MASKED`, the probability that a lead is removed; one stays.
        seed: of the masked leads.

    Example:
        >>> from hf_ecg.evaluation.robustness.conditions import Condition
        >>> Condition("I+II+V2").name, Condition("12").clean
        ('I+II+V2, clean', True)
    """

    leads: str
    noise: AddedNoise | None = None
    mask_rate: float = 0.0
    seed: int = 0

    def __post_init__(self):
        check_one_of("leads", self.leads, (*LEAD_SETS, ALL, MASKED))

    @property
    def clean(self) -> bool:
        """Whether nothing is added."""
        return self.noise is None

    @property
    def noise_name(self) -> str:
        """Name of the row."""
        return CLEAN if self.noise is None else f"{self.noise.kind} {self.noise.snr_db:g} dB"

    @property
    def name(self) -> str:
        return f"{self.leads}, {self.noise_name}"

    def kept(self, record_id: str, leads: Sequence[str]) -> list[str]:
        """The leads of a record that are left, in its order.

        Raises:
            ValueError: the record lacks one of the set.
        """
        if self.leads == MASKED:
            generator = record_generator(self.seed, 0, 0, f"{record_id}/leads")
            drawn = torch.rand(len(leads), generator=generator).tolist()
            least = min(self.mask_rate, max(drawn))
            return [lead for lead, chance in zip(leads, drawn, strict=True) if chance >= least]
        if self.leads == ALL:
            return list(leads)
        wanted = LEAD_SETS[self.leads]
        absent = [lead for lead in wanted if lead not in leads]
        if absent:
            raise ValueError(f"{record_id} has no {', '.join(absent)}, only {', '.join(leads)}")
        return [lead for lead in leads if lead in wanted]

    def __call__(self, row: Mapping) -> Record:
        """A row of a corpus as the recording of that condition, in millivolts at its own rate.

        Raises:
            ValueError, OSError: see `kept` and `AddedNoise`.
        """
        record = recording_of(row)
        record_id = record.name
        kept = self.kept(record_id, record.leads)
        millivolts = record.to_millivolts()[[record.leads.index(lead) for lead in kept]]
        if self.noise is not None:
            millivolts = self.noise(millivolts, record.sampling_rate, record_id, kept)
        return Record(record_id, millivolts, None, None, tuple(kept), record.sampling_rate)


def grid(options: NoiseOptions) -> list[Condition]:
    """Every set of leads, clean and with every kind of noise at every ratio; a row of the table after the other."""
    noises = [None, *(options.of(kind, snr_db) for kind in options.kinds for snr_db in options.snrs_db)]
    return [Condition(leads, noise) for noise in noises for leads in LEAD_SETS]


def tolerantecg_table(options: NoiseOptions) -> list[Condition]:
    """TolerantECG's four conditions: clean, masked leads, noise, both; noise at every ratio, all kinds together.

    Source:
        arXiv 2507.09887. It masks half of the leads. Which of the three recordings its evaluation adds is not known:
        here all three in equal parts.
    """
    noises = [None, *(options.of(MIXTURE, snr_db) for snr_db in options.snrs_db)]
    columns = {ALL: 0.0, MASKED: options.mask_rate}
    return [Condition(leads, noise, rate, options.seed) for noise in noises for leads, rate in columns.items()]


TABLE_MAKERS = {GRID: grid, TOLERANTECG: tolerantecg_table}
