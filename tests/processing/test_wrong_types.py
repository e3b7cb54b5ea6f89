"""Whatever is handed over in place of a number, a name or an array: a sentence, never another kind of error."""

import dataclasses
import random

import numpy as np
import pytest
import torch

from hf_ecg.processing import ECGFeatureExtractor
from hf_ecg.processing.steps import STEPS
from hf_ecg.signals import apply_filter, canonical_leads, crop, read, resample, subtract_median
from hf_ecg.signals.leads import STANDARD_LEADS

ECG = np.sin(np.linspace(0, 50, 12 * 300)).reshape(12, 300)
ROW = {
    "record_id": "a",
    "signal": (ECG * 1000).astype(np.int16).reshape(-1),
    "num_samples": 300,
    "sampling_rate": 100.0,
    "leads": list(STANDARD_LEADS),
    "gain": [1000.0] * 12,
    "baseline": [0.0] * 12,
}
BAND = {"name": "bandpass", "low_hz": 0.67, "high_hz": 40.0, "order": 3, "form": "sos", "zero_phase": False}
REQUIRED = {
    "filter": {"filter": BAND},
    "normalise": {"method": "zscore"},
    "divide": {"divisor": 2.0},
    "multi_crop": {"count": 3, "num_samples": 100},
    "subtract_median": {"seconds": 0.4},
    "keep_leads": {"leads": ["I"]},
}
# what may come in place of anything: numbers out of range, other types, nests of them
NUMBERS = [0, -1, 5, 2**31, 2**63, 10**30, 10**400, -(10**400), 0.5, 1e-320, 1e308, float("nan"), float("inf"), 1 + 2j]
NUMPY = [np.float32(3), np.int64(4), np.bool_(True), np.datetime64("2020-01-01"), np.array(3.0), np.array([])]
NUMPY += [np.zeros((2, 0)), np.zeros((2, 300)), np.zeros((1, 2, 3, 4)), np.array([None, 1]), np.array(["a"])]
NUMPY += [np.array([1 + 1j]), np.array([True]), np.zeros(2, dtype=[("a", "f4")]), np.array([[1, 2]], dtype=object)]
TENSORS = [torch.zeros(2, 3), torch.zeros(2, 3, dtype=torch.bfloat16), torch.zeros(2, requires_grad=True)]
TENSORS += [torch.zeros(2, 3, device="meta"), torch.tensor([1 + 1j]), torch.tensor(True)]
TEXTS = ["", "x", "5", "nan", "I", "é", "a\0b", b"", b"I", bytearray(b"1"), memoryview(b"ab"), "I" * 5000]
NESTS = [[], {}, set(), (), [None], [[]], [[], [1]], [1, [2]], {"a": 1}, {1: 2}, {"name": None}, {"name": []}, [{}]]
NESTS += [["I"], ["I", "I"], [b"I"], [["I"]], {"I"}, {"num_samples": [1, 2]}, {"num_samples": [1], "signal": 3}]
OTHERS = [None, True, False, object(), int, len, range(3), slice(1), ..., NotImplemented]
GARBAGE = [*NUMBERS, *NUMPY, *TENSORS, *TEXTS, *NESTS, *OTHERS]


def only_in_words(call, what):
    try:
        call()
    except (ValueError, OSError) as error:
        assert str(error), what
    except Exception as error:
        pytest.fail(f"{type(error).__name__} ({error}) of {str(what)[:300]}")


def altered(chance, given):
    wrong = {
        name: chance.choice(GARBAGE) for name in chance.sample(sorted(given), min(len(given), chance.choice((1, 2))))
    }
    return {**given, **wrong}


def applied(**options):
    made = ECGFeatureExtractor(**options)
    made(ECG, 100, STANDARD_LEADS, "mV")
    made.to_json_string()


@pytest.mark.parametrize("seed", range(3))
def test_wrong_types_in_calls_rows_and_configurations(seed):
    chance = random.Random(seed)
    extractor = ECGFeatureExtractor(100, num_samples=300)
    call = {"signals": ECG, "sampling_rate": 100, "leads": list(STANDARD_LEADS), "units": "mV"}
    whole = {"sampling_rate": 100, "leads": list(STANDARD_LEADS), "num_samples": 300, "steps": []}
    for _ in range(120):
        given = altered(chance, {**call, "lead": None, "return_tensors": None, "rename": None})
        only_in_words(lambda given=given: extractor(**given), given)
        row = altered(chance, ROW)
        rows = chance.choice((row, [ROW, row], {name: [value, value] for name, value in row.items()}))
        only_in_words(lambda rows=rows: extractor(rows), row)
        options = altered(chance, whole)
        only_in_words(lambda options=options: applied(**options), options)
        only_in_words(lambda options=options: ECGFeatureExtractor.from_dict(options), options)


@pytest.mark.parametrize("name", sorted(STEPS))
def test_wrong_types_in_steps(name):
    chance = random.Random(name)
    fields = {field.name: field.default for field in dataclasses.fields(STEPS[name])}
    plain = {key: value for key, value in fields.items() if value is not dataclasses.MISSING}
    for _ in range(40):
        step = {"name": name, **altered(chance, {**plain, **REQUIRED.get(name, {})})}
        if name == "filter" and chance.random() < 0.7:
            step["filter"] = altered(chance, {**BAND, "edges": "level"})
        only_in_words(lambda step=step: applied(sampling_rate=100, num_samples=None, steps=[step]), step)
        only_in_words(lambda: applied(steps=[chance.choice(GARBAGE), {"name": chance.choice(GARBAGE)}]), name)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_samples": 2**31}, "num_samples: 2147483648 samples x 1 leads, wanted at most 536870912 values"),
        ({"num_samples": 10**8}, "step crop: 100000000 samples x 12 leads, wanted at most"),
        ({"sampling_rate": 1e12}, "sampling_rate is 1000000000000.0, wanted a positive number of hertz up to 1000000"),
        ({"steps": [{"name": "pad", "num_samples": 2**40}]}, "step pad: 1099511627776 samples"),
        ({"steps": [{"name": "resample", "target_rate": 1e300}]}, "step resample: target_rate is 1e.300"),
    ],
)
def test_absurd_lengths_are_refused_when_the_recipe_is_read(arguments, message):
    with pytest.raises(ValueError, match=message):
        ECGFeatureExtractor(**arguments)


def test_absurd_lengths_are_refused_before_the_memory_is_asked_for():
    steps = [{"name": "resample", "target_rate": 1_000_000}, {"name": "resample"}]
    long = np.zeros((12, 30_000)) + np.sin(np.arange(30_000))
    with pytest.raises(ValueError, match="record 0: step resample: .* wanted at most 536870912 values a record"):
        ECGFeatureExtractor(500, num_samples=None, steps=steps)(long, 100, STANDARD_LEADS, "mV", window="recipe")
    many = [{"name": "multi_crop", "count": 10**9, "num_samples": 15_000}]
    with pytest.raises(ValueError, match="15001 crops of 15000 samples: .* wanted at most"):
        ECGFeatureExtractor(100, num_samples=None, steps=many)(long, 100, STANDARD_LEADS, "mV", window="recipe")
    with pytest.raises(ValueError, match="a running median of 86400 s"):
        ECGFeatureExtractor(500, num_samples=None, steps=[{"name": "subtract_median", "seconds": 86_400}])(
            ECG, 500, STANDARD_LEADS, "mV"
        )
    # a day of twelve leads fits
    ECGFeatureExtractor(500, num_samples=86_400 * 500)


def test_numbers_of_numpy_and_torch_are_numbers_and_texts_are_none():
    extractor = ECGFeatureExtractor(100, num_samples=300)
    plain = extractor(ROW)["input_values"]
    row = {
        **ROW,
        "sampling_rate": torch.tensor(100),
        "num_samples": np.float64(300),
        "gain": torch.full((12,), 1000.0),
    }
    assert np.array_equal(extractor(row)["input_values"], plain)
    for number in (300.5, float("nan"), 0, -300):
        with pytest.raises(ValueError, match="the column num_samples is .*, wanted a whole number"):
            extractor({**ROW, "num_samples": number})
    for rate in ("100", True, None):
        with pytest.raises(ValueError, match="sampling_rate|sampling rate"):
            extractor(ECG, rate, STANDARD_LEADS, "mV")
    with pytest.raises(ValueError, match=r"slice of 2 rows by its column num_samples, but its column gain is \[1\]"):
        extractor({**{name: [value, value] for name, value in ROW.items()}, "gain": [1]})


@pytest.mark.parametrize("path", [None, 3, 2.5, ["a.hea"], {}, ECG, object()])
def test_what_is_no_path_is_not_read(path):
    with pytest.raises(ValueError, match="wanted the path of a recording"):
        read(path)


@pytest.mark.parametrize("rate", [None, "100", True, [100], 10**400, 1j, torch.tensor([1.0, 2.0])])
def test_rates_of_the_plain_functions(rate):
    for function in (
        lambda: resample(ECG, rate, 250, "fft"),
        lambda: resample(ECG, 250, rate, "polyphase"),
        lambda: apply_filter(ECG, rate, BAND),
        lambda: subtract_median(ECG, rate, 0.4),
    ):
        with pytest.raises(ValueError, match="rate is .*, wanted a positive number of hertz"):
            function()


@pytest.mark.parametrize("signals", [None, "x", object(), {}, torch.zeros(2, requires_grad=True), [[1], [1, 2]]])
def test_signals_of_the_plain_functions(signals):
    with pytest.raises(ValueError, match="signals"):
        resample(signals, 100, 250, "fft")


@pytest.mark.parametrize("value", [None, 3, 2.5, object()])
def test_what_is_no_list_of_leads_no_length_and_no_tensor(value):
    with pytest.raises(ValueError, match="wanted a list of names"):
        canonical_leads(value)
    with pytest.raises(ValueError, match="num_samples is .*, wanted a whole number of at least 1"):
        crop(ECG, [value])
    extractor = ECGFeatureExtractor(100, num_samples=300)
    batch = extractor(ECG, 100, STANDARD_LEADS, "mV", return_tensors="pt")
    with pytest.raises(ValueError, match="lead_mask of the batch is of type .*, wanted a tensor"):
        extractor.after_views({**batch, "lead_mask": value})


def test_long_values_are_shown_in_short():
    with pytest.raises(ValueError, match=r"units is '\[+ \.\.\. ") as error:
        ECGFeatureExtractor(100)(ECG, 100, STANDARD_LEADS, "[" * 100_000)
    assert len(str(error.value)) < 400
