import json

import numpy as np
import pytest

from hf_ecg.data.builder import prepare_corpus
from hf_ecg.data.quality_counts import describe_quality, judge_rows, no_quality_counts
from hf_ecg.data.readers.ptb_xl import ptb_xl_corpus


def damage(small, row, change):
    """Overwrites the samples of a record and the checksums of its header."""
    path = small.samples(row)
    samples = np.fromfile(path, "<i2").reshape(-1, 12)
    change(samples)
    samples.tofile(path)
    header = path.with_suffix(".hea")
    lines = header.read_text().splitlines()
    for lead in range(12):
        fields = lines[lead + 1].split()
        fields[5], fields[6] = str(samples[0, lead]), str(int(samples[:, lead].sum(dtype=np.int16)))
        lines[lead + 1] = " ".join(fields)
    header.write_text("\n".join(lines) + "\n")


def flatten(samples):
    samples[:, 6:8] = 250


def swap_arms(samples):
    samples[:] = samples[:, [0, 2, 1, 4, 3, *range(5, 12)]]
    samples[:, 0] *= -1


def test_the_summary_and_the_card_count_flagged_records_and_leads(small, tmp_path):
    out = tmp_path / "out"
    clean = prepare_corpus(ptb_xl_corpus(small.folder), out, progress=False)["quality"]
    assert (clean["records"], clean["records_passed"], clean["leads"], clean["leads_passed"]) == (12, 12, 144, 144)
    assert "12 of 12 records have no flag. Flagged records (leads): none." in (out / "README.md").read_text("utf-8")
    damage(small, 0, flatten)
    damage(small, 5, swap_arms)
    summary = prepare_corpus(ptb_xl_corpus(small.folder), out, overwrite=True, progress=False)
    quality = summary["quality"]
    assert summary["rows"] == {"train": 4, "validation": 4, "test": 4}
    assert quality["records_passed"] == 10 and quality["leads_passed"] == 144 - 2 - 6
    flagged = {name: count for name, count in quality["flags"].items() if count["records"]}
    assert flagged == {"flat": {"records": 1, "leads": 2}, "arm_reversal": {"records": 1, "leads": 6}}
    assert list(quality["unchecked"]) == ["mains 50 Hz", "mains 60 Hz"]
    assert json.loads((out / "summary.json").read_text("utf-8"))["quality"] == quality
    card = (out / "README.md").read_text("utf-8")
    assert "Flagged records (leads): flat 1 (2), arm_reversal 1 (6)." in card and "mains 50 Hz" in card


def test_several_processes_count_the_same(small, tmp_path, monkeypatch):
    monkeypatch.setattr("hf_ecg.data.builder.ROWS_PER_GROUP", 2)
    damage(small, 0, flatten)
    one, two = (
        prepare_corpus(ptb_xl_corpus(small.folder), tmp_path / f"out{number}", num_proc=number, progress=False)
        for number in (1, 2)
    )
    assert one["quality"] == two["quality"] and one["quality"]["flags"]["flat"]["leads"] == 2


def row(num_samples, rate, leads, value=None):
    generator = np.random.default_rng(num_samples)
    counts = generator.normal(0, 200, (len(leads), num_samples)).astype(np.int16)
    if value is not None:
        counts[0] = value
    return {
        "signal": counts.reshape(-1),
        "num_samples": num_samples,
        "sampling_rate": rate,
        "leads": list(leads),
        "gain": [200.0] * len(leads),
        "baseline": [10.0] * len(leads),
    }


def test_rows_of_any_shape():
    rows = [row(1000, 100.0, ["V1", "V2"]), row(3000, 300.0, ["V1"]), row(1000, 100.0, ["V1", "V2"], -32768)]
    counts, _ = judge_rows(rows)
    assert (counts["records"], counts["leads"], counts["leads_passed"]) == (3, 5, 4)
    assert counts["flags"]["missing"] == {"records": 1, "leads": 1}
    assert judge_rows([]) == (no_quality_counts(), [])
    assert "2 of 3 records" in describe_quality(counts) and "missing 1 (1)" in describe_quality(counts)


def test_an_impossible_gain_is_refused():
    with pytest.raises(ValueError, match="gain"):
        judge_rows([{**row(1000, 100.0, ["V1"]), "gain": [0.0]}])
