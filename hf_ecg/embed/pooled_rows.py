"""A row for a record as a whole, of the embeddings of its windows."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from ..evaluation.options import MEAN

_COPIED = ("record_id", "path", "model", "model_revision")


@dataclass
class _Pool:
    """What the windows of a record have given until now."""

    row: dict
    total: torch.Tensor
    weight: float
    highest: torch.Tensor
    stopped: float


class PooledRows:
    """The mean over the windows of each record, weighted by the signal that they hold; or the largest of each number.

    Args:
        crops: "mean" or "max".
        unit: the result has length 1, as the windows have.
    """

    def __init__(self, crops: str, unit: bool):
        self._crops, self._unit = crops, unit
        self._pools: dict[int, _Pool] = {}

    def add(self, item: int, row: Mapping, embedding: torch.Tensor, held: float) -> None:
        """One window.

        Args:
            item: its record's place.
            row: see `embed_records`.
            embedding: (size,).
            held: samples of signal.
        """
        pool = self._pools.get(item)
        values = embedding.double()
        if pool is None:
            own = {key: row[key] for key in _COPIED} | {"window": None, "start_s": row["start_s"]}
            own |= {key: row[key] for key in ("lead_mask", "quality_passed", "quality")}
            self._pools[item] = _Pool(own, values * held, held, values, row["stop_s"])
            return
        pool.total, pool.weight = pool.total + values * held, pool.weight + held
        pool.highest, pool.stopped = torch.maximum(pool.highest, values), max(pool.stopped, row["stop_s"])
        own = pool.row
        own["start_s"] = min(own["start_s"], row["start_s"])
        own["lead_mask"] = [one or other for one, other in zip(own["lead_mask"], row["lead_mask"], strict=True)]
        own["quality_passed"] = own["quality_passed"] and row["quality_passed"]
        own["quality"] = {flag: _both(leads, row["quality"][flag]) for flag, leads in own["quality"].items()}

    def finished(self, last: int | None) -> tuple[list[dict], torch.Tensor]:
        """Rows and float32 (rows, size) of the records but `last`, whose windows go on."""
        items = [item for item in self._pools if item != last]
        pools = [self._pools.pop(item) for item in sorted(items)]
        rows = [pool.row | {"stop_s": pool.stopped} for pool in pools]
        values = [pool.total / pool.weight if self._crops == MEAN else pool.highest for pool in pools]
        found = torch.stack(values).float() if values else torch.zeros(0, 0)
        return rows, torch.nn.functional.normalize(found, dim=-1) if self._unit else found


def _both(one: list | None, other: list | None) -> list | None:
    """Leads that have a flag in either window; None where it could be looked for in neither."""
    if one is None or other is None:
        return other if one is None else one
    return one + [lead for lead in other if lead not in one]
