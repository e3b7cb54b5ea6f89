"""What a recording contributes to a row, the same for every corpus of WFDB records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...signals.channels import ChannelError, take_channels
from ...signals.formats import read
from ...signals.leads import STANDARD_LEADS, canonical_leads
from ...signals.record import Record
from ..builder import UnfitRecord


@dataclass(frozen=True)
class RowLeads:
    """Which leads the rows of a corpus hold, and which leads its records' channels are.

    Args:
        leads: of every row, in this order; a record that lacks one is left out.
        rename: names of leads for channels, by the records' own names; see `hf_ecg.read`.

    Raises:
        ValueError: an unknown lead, or none.
    """

    leads: Sequence[str] = STANDARD_LEADS
    rename: Mapping[str | int, str] | None = None

    def __post_init__(self):
        object.__setattr__(self, "leads", canonical_leads(list(self.leads)))
        if not self.leads:
            raise ValueError("leads is empty, wanted the names of one lead or more")

    def read(self, path, root, keep_identifiers: bool = False) -> Record:
        """The record at `path` with these leads; `keep_identifiers` where a row is compared with its header.

        Raises:
            ValueError, OSError: see `hf_ecg.read`; as `UnfitRecord` where it has other leads.
        """
        try:
            return read(path, root=root, leads=self.leads, rename=self.rename, keep_identifiers=keep_identifiers)
        except ChannelError as error:
            raise UnfitRecord("other leads", str(error)) from error

    def take(self, record: Record) -> Record:
        """A record that was read otherwise, with these leads; raises as `read` does."""
        try:
            return take_channels(record, self.leads, self.rename)
        except ChannelError as error:
            raise UnfitRecord("other leads", str(error)) from error

    def facts(self) -> dict:
        """For the summary, where it is not the twelve leads as they are called."""
        facts: dict = {} if self.leads == STANDARD_LEADS else {"leads": list(self.leads)}
        return facts | ({"rename": [list(pair) for pair in self.rename.items()]} if self.rename else {})


TWELVE_LEADS = RowLeads()


def describe_leads(summary: Mapping) -> str:
    """What rows are, for a card, by the facts that `RowLeads` left in the summary."""
    renamed = ", ".join(f"{channel} taken as {lead}" for channel, lead in summary.get("rename", ()))
    leads = f"ECGs of the leads {', '.join(summary['leads'])}" if summary.get("leads") else "twelve-lead ECGs"
    return f"{leads} ({renamed})" if renamed else leads


def record_columns(record: Record) -> dict:
    """The columns `signal`, `num_samples`, `sampling_rate`, `leads`, `gain` and `baseline` of a row.

    Args:
        record: as `RowLeads.read` or `hf_ecg.read` gives it.

    Raises:
        ValueError: values beyond 16 bits.
    """
    record = record.as_counts()
    return {
        "signal": np.ascontiguousarray(record.counts).reshape(-1),
        "num_samples": record.num_samples,
        "sampling_rate": float(record.sampling_rate),
        "leads": list(record.leads),
        "gain": record.gain.tolist(),
        "baseline": record.baseline.tolist(),
    }
