"""Where further views come from: the same stretch, the other half, other leads, or the patient's other record."""

import hashlib
from collections.abc import Mapping, Sequence

import datasets
import torch

from ..mixing import MixedRows

SECOND_VIEWS = (RECORD, HALF, PATIENT, LEADS, HALF_LEADS) = ("record", "half", "patient", "leads", "half_leads")
# every lead is a view of its own
OF_LEADS = (LEADS, HALF_LEADS)


def halves(batch: Mapping[str, torch.Tensor]) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """The two halves of each record, which do not overlap.

    Args:
        batch: `input_values` (batch, leads, samples), `sample_mask` bool (batch, samples), and what else there is.

    Returns:
        Both halves, of half the samples of the longest record (rounded up), shorter ones padded at the end.

    Raises:
        ValueError: the steps gave something else that has samples, or a record has fewer than two samples.
    """
    values, mask = batch["input_values"], batch["sample_mask"]
    samples = values.shape[-1]
    # lead_mask and amplitude are of the whole record
    others = [name for name in batch if name not in ("input_values", "sample_mask", "lead_mask", "amplitude")]
    if others:
        raise ValueError(f"second_view 'half' cuts waveforms, but the feature extractor also makes {others}")
    first = mask.int().argmax(1)
    last = samples - mask.flip(1).int().argmax(1)
    middle = (first + last) // 2
    if (middle == first).any():
        raise ValueError("second_view 'half' wants records of at least two samples")
    length = int((last - middle).amax())
    return tuple(  # type: ignore[return-value]
        dict(batch) | _stretch(values, mask, start, stop, length) for start, stop in ((first, middle), (middle, last))
    )


def _stretch(values, mask, start: torch.Tensor, stop: torch.Tensor, length: int) -> dict[str, torch.Tensor]:
    places = start[:, None] + torch.arange(length, device=values.device)
    inside = places < stop[:, None]
    places = places.clamp(max=values.shape[-1] - 1)
    cut = values.gather(2, places[:, None].expand(-1, values.shape[1], -1)).masked_fill(~inside[:, None], 0.0)
    return {"input_values": cut, "sample_mask": mask.gather(1, places) & inside}


class PatientRecords:
    """The other records of each patient.

    Args:
        sources: the training rows, a data set for each corpus, in the order of their `record_index`. Patients of two
            corpora are different ones, and a record without a patient is of its own.
    """

    def __init__(self, sources: Sequence[datasets.Dataset]):
        self._rows = MixedRows(sources)
        keys = [
            (number, patient)
            for number, source in enumerate(sources)
            for patient in source.select_columns(["patient_id"]).with_format(None)["patient_id"][:]
        ]
        of_patient: dict[tuple, list[int]] = {}
        for index, key in enumerate(keys):
            if key[1] is not None:
                of_patient.setdefault(key, []).append(index)
        self._others = {
            index: [other for other in records if other != index]
            for records in of_patient.values()
            if len(records) > 1
            for index in records
        }

    def __len__(self) -> int:
        """Records whose patient has another one."""
        return len(self._others)

    def another(self, row: Mapping, generator: torch.Generator) -> Mapping:
        """A row of another record of the patient, drawn evenly; the row itself where the patient has one record."""
        others = self._others.get(row["record_index"])
        if not others:
            return row
        chosen = int(torch.randint(len(others), (), generator=generator))
        return self._rows[row["epoch"], others[chosen]]


def patient_numbers(rows: Sequence[Mapping]) -> torch.Tensor:
    """int64 (rows,): equal where two rows are of one patient of one corpus, in every process and run.

    A row without a patient is of its own.
    """
    numbers = []
    for row in rows:
        patient = row["patient_id"]
        own = ["record", row["record_index"]] if patient is None else ["patient", patient]
        key = repr([row.get("source", 0), *own]).encode()
        numbers.append(int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "little", signed=True))
    return torch.tensor(numbers)
