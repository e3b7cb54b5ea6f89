import numpy as np
import pytest

from hf_ecg import ECGFeatureExtractor, ECGTextProcessor
from tests.evaluation import tiny

TWO = {"sampling_rate": 100, "leads": ["I", "V1"], "units": "mV"}


@pytest.fixture
def extractor():
    return ECGFeatureExtractor(100, ["I", "V1"], 200)


def record(seconds, leads=2):
    """Each sample tells its lead and its time."""
    time = np.arange(round(seconds * 100)) / 100
    return np.stack([time / 10 + lead for lead in range(leads)])


def test_a_long_record_is_read_as_windows_unless_another_part_is_chosen(extractor):
    for window, starts in (
        *((None, [0, 2, 4]), ("first", [0]), ("recipe", [0])),
        *(("all", [0, 2, 4]), (1, [0, 1, 2, 3, 4, 5])),
    ):
        made = extractor(record(6), **TWO, window=window)
        np.testing.assert_allclose(made["input_values"][:, 0, 0] * 10, starts, atol=1e-5)
        assert ("record_index" in made) == (window in (None, "all", 1))
    # up to twice a window is left to the recipe; of what is longer a window ends with the record
    for seconds, starts in ((2.2, [0]), (4, [0]), (4.1, [0, 2]), (5.5, [0, 2, 3.5])):
        made = extractor(record(seconds), **TWO)
        np.testing.assert_allclose(made["input_values"][:, 0, 0] * 10, starts, atol=1e-5)
    with pytest.raises(ValueError, match="record 0, cut into windows, lasts 5 s, .* would take 2 s"):
        extractor(record(20), **TWO, window=5)


def test_windows_say_whose_they_are_in_the_order_of_the_records(extractor):
    made = extractor([record(4), record(1), record(6), record(4) + 1], **TWO, window="all")
    assert np.asarray(made["record_index"]).tolist() == [0, 0, 1, 2, 2, 2, 3, 3]
    firsts = made["input_values"][:, 0, 0]
    np.testing.assert_allclose(firsts, [0, 0.2, 0, 0, 0.2, 0.4, 1, 1.2], atol=1e-5)
    alone = extractor(record(1), **TWO, window="all")
    np.testing.assert_array_equal(made["sample_mask"][2], alone["sample_mask"][0])


def test_windows_that_cannot_be_used_count_for_nothing(extractor, caplog):
    broken = record(8)
    broken[:, 200:400], broken[0, 600:] = np.nan, np.nan
    made = extractor([record(2), broken], **TWO)
    assert np.asarray(made["record_index"]).tolist() == [0, 1, 1, 1]
    np.testing.assert_allclose(made["input_values"][1:, 1, 0], [1, 1.4, 1.6], atol=1e-5)
    # each window is what it is alone
    assert made["lead_mask"].tolist() == [[True, True]] * 3 + [[False, True]]
    assert "record 1: 1 of its 4 windows cannot be used" in caplog.text
    with pytest.raises(ValueError, match="record 0: none of its leads .* has a single sample"):
        extractor(record(6) * np.nan, **TWO)


def test_crops_of_windows_belong_to_their_record():
    steps = [{"name": "multi_crop", "count": 2, "num_samples": 150}]
    made = ECGFeatureExtractor(100, ["I", "V1"], 150, steps)([record(4), record(2)], **TWO, window=2)
    assert np.asarray(made["record_index"]).tolist() == [0, 0, 0, 0, 1, 1]


def test_a_recipe_of_any_length_wants_the_seconds():
    extractor = ECGFeatureExtractor(100, ["I", "V1"], None)
    assert np.shape(extractor(record(60), **TWO)["input_values"]) == (1, 2, 6000)
    with pytest.raises(ValueError, match="takes records of any length: wanted the seconds of a window"):
        extractor(record(6), **TWO, window="all")
    with pytest.raises(ValueError, match="record 0 lasts 121 s, .* any length up to 120 s: wanted the seconds"):
        extractor(record(121), **TWO)
    assert np.shape(extractor(record(6), **TWO, window=2)["input_values"]) == (3, 2, 200)


@pytest.mark.parametrize("window", ["al", 0, -1, float("nan"), True, [10], 10j])
def test_another_window_is_refused(extractor, window):
    with pytest.raises(ValueError, match="window is .*, wanted one of all, first, recipe, or seconds"):
        extractor(record(2), **TWO, window=window)


def test_a_processor_hands_the_window_on(extractor):
    processor = ECGTextProcessor(extractor, tiny.tokenizer())
    for options in ({"window": "all"}, {"ecg_kwargs": {"window": "all"}}):
        assert len(processor(ecg=record(6), text="sinus rhythm", **TWO, **options)["input_values"]) == 3


def test_what_is_cropped_or_padded_is_said_once(extractor, caplog):
    for _ in range(2):
        extractor(record(6), **TWO)
    (said,) = [entry.getMessage() for entry in caplog.records]
    assert said.startswith("record 0 lasts 6 s and is read as 3 windows of 2 s")
    caplog.clear()
    for window in (None, "recipe"):
        extractor(record(3), **TWO, window=window)
    (said,) = [entry.getMessage() for entry in caplog.records]
    assert "lasts 3 s, and the model sees 2 s of it" in said
    caplog.clear()
    for _ in range(2):
        extractor(record(1), **TWO)
    (said,) = [entry.getMessage() for entry in caplog.records]
    assert "lasts 1 s and is padded to the 2 s" in said
    caplog.clear()
    # a little more or less is nobody's concern
    for seconds in (1.9, 2.0, 2.1):
        extractor(record(seconds), **TWO)
    assert not caplog.records
    segments = ECGFeatureExtractor(100, ["I", "V1"], 200, [{"name": "segments"}, {"name": "pad"}])
    for seconds, rows in ((2, 1), (4, 2), (4.2, 2), (40, 20)):
        assert len(segments(record(seconds), **TWO)["input_values"]) == rows
    assert not caplog.records
    for seconds in (3, 5.5):
        segments(record(seconds), **TWO)
    (said,) = [entry.getMessage() for entry in caplog.records]
    assert "lasts 3 s, and the model sees 2 s of it" in said


def test_absent_leads_are_named_once_for_each_set(caplog):
    twelve = ECGFeatureExtractor(100, num_samples=200)
    given = {"sampling_rate": 100, "units": "mV"}
    for leads in (["I", "II", "V1"], ["I", "II", "V1"], ["V1", "I", "II"]):
        twelve(record(2, 3), leads=leads, **given)
    (said,) = [entry.getMessage() for entry in caplog.records]
    assert "record 0 has no V2, V3, V4, V5, V6, which the model reads" in said
    assert "III, aVR, aVL, aVF are derived from the other limb leads" in said
    caplog.clear()
    twelve(record(2, 1), leads=["I"], **given)
    (said,) = [entry.getMessage() for entry in caplog.records]
    assert "has no II, III, aVR, aVL, aVF, V1" in said and "derived" not in said
    caplog.clear()
    # without a unit no lead is a sum of two others
    mask = twelve(record(2, 3), leads=["I", "II", "V1"], sampling_rate=100, units="normalized")["lead_mask"]
    (said,) = [entry.getMessage() for entry in caplog.records]
    assert "has no III, aVR, aVL, aVF, V2" in said and "derived" not in said and mask[0].sum() == 3


def test_leads_that_a_recipe_chooses_are_not_missed(caplog):
    picks = ECGFeatureExtractor(100, ["I", "II"], 200, [{"name": "pick_lead"}])
    picks(record(2, 1), 100, ["I"], "mV")
    keeps = [{"name": "select_leads"}, {"name": "keep_leads", "leads": ["I"]}]
    ECGFeatureExtractor(100, ["I", "V1"], 200, keeps)(record(2, 1), 100, ["I"], "mV")
    assert not caplog.records


def test_a_recipe_that_cuts_nothing_gets_windows():
    whole = ECGFeatureExtractor(100, ["I", "V1"], 200, steps=[{"name": "select_leads"}])
    assert whole(record(6), **TWO)["input_values"].shape == (3, 2, 200)
    assert whole(record(6), window="first", **TWO)["input_values"].shape == (1, 2, 200)
    with pytest.raises(ValueError, match='end with 600 samples, the model wants 200; say window="all" or "first"'):
        whole(record(6), window="recipe", **TWO)
    with pytest.raises(ValueError, match="end with 100 samples, the model wants 200; add the steps"):
        whole(record(1), **TWO)
