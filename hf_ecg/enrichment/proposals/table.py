"""Looks the features of a report up in the package's own table: no model, no network."""

import json

from ...clinical.waveform_features import features_of_report


class TableProposer:
    """The embedded table from statements to waveform features, with its sources; see `clinical/waveform_features.py`.

    Its answers cost nothing and change with the table, so they are not kept.
    """

    name = "table"
    prompt = ""
    cost = "nothing"

    def answer(self, report: str) -> str:
        """A JSON list; empty when the report holds no statement of the table."""
        return json.dumps(features_of_report(report))
