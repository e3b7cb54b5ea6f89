"""Recordings that no model can use: marked when a corpus is prepared, left out when it is read."""

import json
import logging

import numpy as np
import pytest
from transformers.utils import logging as library

from hf_ecg import ECGFeatureExtractor
from hf_ecg.data.builder import Corpus
from hf_ecg.data.corpus import load_corpus
from hf_ecg.data.corpus_card import CorpusCard
from hf_ecg.data.preparing import prepare_and_tell
from hf_ecg.data.schema import row_features
from hf_ecg.signals.usability import doubtful, unusable_reason
from tests.evaluation import tiny

GAIN, SHAPE = 1000.0, (12, tiny.SAMPLES)
RANDOM = np.random.default_rng(0)


def noise(range_mv, leads=12):
    """Counts whose range is exactly this in some leads, and zero in the others."""
    counts = np.zeros(SHAPE, np.int16)
    counts[:leads] = RANDOM.integers(0, round(range_mv * GAIN) + 1, (leads, tiny.SAMPLES))
    counts[:leads, 0], counts[:leads, 1] = 0, round(range_mv * GAIN)
    return counts


def one_lead():
    counts = np.full(SHAPE, -32768, np.int16)
    counts[3] = noise(1.0)[3]
    return counts


# name -> counts, the kind of what is wrong, whether an extractor refuses it too
MADE = {
    "fine": (noise(1.0), "", False),
    "absent": (np.full(SHAPE, -32768, np.int16), "no samples", True),
    "off": (noise(0.02), "electrodes off", True),
    "just_off": (noise(0.049), "electrodes off", True),
    "least": (noise(0.05), "", False),
    "most": (noise(15.0), "", False),
    "saturated": (noise(15.001), "saturated", True),
    "constant": (np.full(SHAPE, 17, np.int16), "flat", False),
    "one_lead": (one_lead(), "", False),
    "half_flat": (noise(1.0, leads=5), "", False),
    "half_off": (np.concatenate([noise(1.0)[:5], noise(0.02)[5:]]), "electrodes off", True),
}


@pytest.fixture
def corpus(tmp_path):
    rows = [
        row | {"record_id": name, "signal": counts.reshape(-1), "gain": [GAIN] * 12, "baseline": [0.0] * 12}
        for row, (name, (counts, _, _)) in zip(tiny.rows(len(MADE)), MADE.items(), strict=True)
    ]
    features = row_features(12, tiny.SAMPLES, {})
    made = Corpus(
        "tiny_100hz",
        features,
        {"train": rows[:6], "test": rows[6:]},
        read=lambda row: {name: row.get(name) for name in features},
        facts={},
        card=lambda summary: CorpusCard("Tiny", "nowhere", "By place.", "statements", "MIT", "Cite us."),
    )
    _, said = prepare_and_tell(made, tmp_path / "corpus", num_proc=1)
    (tmp_path / "said").write_text(said)
    return tmp_path / "corpus"


def test_marks_are_in_rows_summary_card_and_last_words(corpus):
    rows = load_corpus(corpus, keep_unusable=True)
    marks = dict(zip(rows["record_id"][:], rows["unusable"][:], strict=True))
    assert {name: mark.partition(":")[0] for name, mark in marks.items()} == {
        name: kind for name, (_, kind, _) in MADE.items()
    }
    assert marks["off"] == "electrodes off: the leads' median range is 0.02 mV, wanted at least 0.05"
    summary = json.loads((corpus / "summary.json").read_text())
    assert summary["unusable"] == {"no samples": 1, "electrodes off": 3, "saturated": 1, "flat": 1}
    assert {entry["record"]: entry["reason"] for entry in summary["unusable_records"]} == {
        name: mark for name, mark in marks.items() if mark
    }
    assert "| electrodes off | 3 |" in (corpus / "README.md").read_text()
    assert "3  marked as unusable: electrodes off (off, just_off, half_off)" in (corpus.parent / "said").read_text()


def test_an_extractor_refuses_what_is_marked_but_for_constant_leads(corpus):
    extractor = ECGFeatureExtractor(sampling_rate=100, num_samples=tiny.SAMPLES)
    for row in load_corpus(corpus, keep_unusable=True):
        refused = MADE[row["record_id"]][2]
        if refused:
            with pytest.raises(ValueError, match=row["record_id"]):
                extractor(row)
        else:
            extractor(row)


def test_marked_rows_are_left_out_and_counted_once(corpus, caplog):
    library.enable_propagation()
    with caplog.at_level(logging.WARNING):
        rows = load_corpus(corpus)
        load_corpus(corpus)
    library.disable_propagation()
    assert rows["record_id"][:] == [name for name, (_, kind, _) in MADE.items() if not kind]
    assert caplog.text.count("6 of 11 rows of") == 1 and "are left out" in caplog.text
    test = load_corpus(corpus, split="test")
    assert test["record_id"][:] == ["one_lead", "half_flat"]


def test_single_precision_leaves_no_unusable_row_out():
    for counts, kind, _ in MADE.values():
        values = np.where(counts == -32768, np.nan, counts / GAIN)
        assert unusable_reason(values).partition(":")[0] == kind
        whole = values.astype(np.float32)
        ranges = np.fmax.reduce(whole, axis=-1) - np.fmin.reduce(whole, axis=-1)
        assert doubtful(ranges[None])[0] or not kind
