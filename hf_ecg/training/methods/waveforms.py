"""Waveforms alone: what masked and predictive objectives need, without label and without pair."""

from ...data.collators import ECGWaveformCollator
from .method import Feeding, Method


class Waveforms(Method):
    """One view of each record, and nothing else.

    A model whose `forward` takes `record_seeds` gets them: a number for each record and epoch, from which it draws
    masks that depend on the record alone.
    """

    name = "waveforms"

    def collator(self, feeding: Feeding) -> ECGWaveformCollator:
        return self._collator(feeding, self.options.views)

    def validation_collator(self, feeding: Feeding) -> ECGWaveformCollator:
        return self._collator(feeding, [])

    def _collator(self, feeding: Feeding, views: list[dict]) -> ECGWaveformCollator:
        return ECGWaveformCollator(
            feeding.processor,
            views=views,
            seed=feeding.seed,
            lead=self.options.lead,
            record_seeds="record_seeds" in feeding.inputs,
            prepared=feeding.prepared,
        )
