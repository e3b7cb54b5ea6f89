"""What absent leads cost is said where the table lies beside the model."""

import json
import re

import numpy as np
import pytest

import hf_ecg
from hf_ecg.lead_costs import lead_cost

LIMB = ["I", "II", "III", "aVR", "aVL", "aVF"]


def told(caplog):
    return [entry.getMessage() for entry in caplog.records if "absent leads cost" in entry.getMessage()]


@pytest.mark.parametrize(
    ("leads", "match"),
    [
        (["I"], r"superdiagnostic: macro AUROC 0.816 \(0.790 to 0.842\) with I alone, 0.901 with all leads"),
        (LIMB, "macro AUROC 0.880 .* with 6 limb leads alone, 0.901"),
        # a set that nobody measured
        (["II", "V5"], r"0.831 \(0.809 to 0.856\) with II alone, the nearest that was measured"),
        (["V1"], None),
    ],
)
def test_the_packaged_model_knows_what_leads_cost_it(leads, match):
    found = lead_cost(hf_ecg.pretrained("ecg-text-small"), leads)
    assert found is None if match is None else re.search(match, found)


def test_a_pipeline_says_it_once(caplog):
    ask = hf_ecg.pipeline("zero-shot-ecg-classification")
    signals = np.random.default_rng(0).normal(0, 0.3, (2, 1000))
    given = {"sampling_rate": 100, "units": "mV", "candidate_labels": ["sinus rhythm"]}
    for _ in range(2):
        ask(signals, leads=["II", "V1"], **given)
    (said,) = told(caplog)
    assert "with II alone, the nearest" in said and "a twin of this model" in said


def test_a_report_beside_a_model_of_ones_own(tmp_path):
    cell = {"value": 0.8, "low": 0.7, "high": 0.9}
    cells = [{"leads": leads, "noise": "clean", "auroc": cell} for leads in ("12", "II")]
    cells.append({"leads": "I", "noise": "clean", "reason": "refused"})
    (tmp_path / "robustness.json").write_text(json.dumps({"tasks": [{"name": "form", "cells": cells}]}))
    assert (
        lead_cost(tmp_path, ["II"]) == "form: macro AUROC 0.800 (0.700 to 0.900) with II alone, 0.800 with all leads"
    )
    assert lead_cost(tmp_path, ["I"]) is None and lead_cost(tmp_path / "encoder", ["II"]) is None
