"""The command that is named after another one."""

import json

import numpy as np
import pytest

from hf_ecg.cli import call
from hf_ecg.cli.next_steps import after_model
from tests.data.test_cinc2017 import write_record


def following(capsys):
    return [line for line in capsys.readouterr().out.splitlines() if line.startswith("next: ")]


def test_rows_of_lead_i_alone_go_to_the_model_of_one_lead(tmp_path, capsys):
    raw, out = tmp_path / "raw", tmp_path / "out"
    write_record(raw, "A00001")
    (raw / "REFERENCE-v3.csv").write_text("A00001,N\n")
    call("prepare cinc2017", ["--data_dir", raw, "--output_dir", out, "--num_proc", 1])
    told = following(capsys)
    assert len(told) == 2 and all("--model ecg-single-lead-small" in line for line in told)
    call("info", [out])
    assert following(capsys) == told[:1]
    (raw / "A00001.hea").write_text((raw / "A00001.hea").read_text().replace("ECG", "I"))
    own = ["--data_dir", raw, "--output_dir", out, "--num_proc", 1, "--overwrite"]
    call("prepare folder", own)
    assert all("--model ecg-single-lead-small" in line for line in following(capsys))
    assert json.loads((out / "summary.json").read_text())["single_lead"]
    np.savez(raw / "x.npz", signals=np.ones((2, 500)), leads=["I", "II"], sampling_rate=300, units="mV")
    call("prepare folder", own)
    assert all("--model ecg-text-small" in line for line in following(capsys))


@pytest.mark.parametrize(
    ("facts", "first"),
    [
        ({"class": "ECGResNetModel"}, "hf-ecg embed RECORDS --model m --output embeddings.parquet"),
        ({"class": "ECGFMForECGClassification"}, "hf-ecg evaluate classify RECORD.hea --model m"),
        ({"class": "ECGTextModel"}, "hf-ecg evaluate classify RECORD.hea --model m --prompts ptb_xl_rhythm"),
        (
            {"class": "CLOCSModel", "leads": ["I", "II"], "steps": ["pick_lead"]},
            "hf-ecg embed RECORDS --model m --lead I --output embeddings.parquet",
        ),
    ],
    ids=lambda value: value.get("class") if isinstance(value, dict) else None,
)
def test_a_model_is_used_for_what_it_is(facts, first):
    assert after_model("m", facts)[0] == first
