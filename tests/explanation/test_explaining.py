"""Explanations on the packaged model and a real record, and on scores whose reasons are known."""

import numpy as np
import pytest
import torch

import hf_ecg
from hf_ecg import ECGFeatureExtractor
from hf_ecg.explanation import explain, weights_matter
from hf_ecg.explanation.asked_score import AskedScore, asked_score
from hf_ecg.explanation.attention import rollout
from hf_ecg.explanation.explained_record import explained_record
from hf_ecg.explanation.explaining import explain_score
from hf_ecg.explanation.record_time import in_record_time
from hf_ecg.models.clear.preparation_clear import clear_feature_extractor
from hf_ecg.models.heartlang_vqhbr.preparation_heartlang import heartlang_feature_extractor
from hf_ecg.plotting import plot_explanation
from hf_ecg.signals import Record
from tests.models.tiny.ecg_vit import vit_config
from tests.models.tiny.st_mem import st_mem_config

BEAT_READERS = {
    "heartlang": (hf_ecg.HeartLangForECGClassification, hf_ecg.HeartLangConfig, heartlang_feature_extractor),
    "clear": (hf_ecg.CLEARForECGClassification, hf_ecg.CLEARConfig, clear_feature_extractor),
}
LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")


@pytest.fixture(scope="module")
def packaged():
    return hf_ecg.load_pretrained("ecg-text-small")


@pytest.fixture(scope="module")
def real(ptb_xl_dir):
    """Five seconds of a real record."""
    return hf_ecg.read(ptb_xl_dir / "records100/00000/00001_lr.hea").cut(0, 500)


def beating(leads=LEADS, rate=200, seconds=8.0):
    """A beat each second, from half a second on, larger from lead to lead."""
    time = np.arange(round(seconds * rate)) / rate
    beat = np.exp(-((((time % 1) - 0.5) / 0.02) ** 2)) + 0.2 * np.exp(-((((time % 1) - 0.8) / 0.05) ** 2))
    return Record("made", np.stack([beat * (1 + place / 10) for place in range(len(leads))]), None, None, leads, rate)


def asking(of, **recipe):
    """A model that only lends its name to a score."""
    model = hf_ecg.ECGResNetModel(hf_ecg.ECGResNetConfig(depths=[1], widths=[4], strides=[1], kernel_sizes=[3])).eval()
    recipe = {"sampling_rate": 100, "num_samples": None, "steps": [{"name": "resample"}]} | recipe
    extractor = ECGFeatureExtractor(**recipe)
    return AskedScore(model, extractor, "a bump", "value", lambda _, inputs: of(inputs["input_values"]))


def explained(score, record, method, **options):
    return explain_score(score, explained_record(record, score.extractor, score.model, **options), method)


@pytest.mark.parametrize("method", ["integrated_gradients", "occlusion"])
def test_what_the_packaged_model_says_of_a_real_record_comes_from_its_weights(packaged, real, method):
    text = "sinus rhythm"
    found = explain(real, packaged, text=text, method=method)
    (answer,) = hf_ecg.pipeline("zero-shot-ecg-classification")(real, candidate_labels=[text])
    assert found.probability == pytest.approx(answer["score"], abs=1e-4)
    assert found.values.shape == (12, 500) and found.leads == LEADS and len(found.beats) == len(found.by_beat) >= 4
    checked = weights_matter(real, packaged, text=text, method=method, seeds=[0])
    assert checked["passed"] and checked["largest"] < checked["bound"] == 0.5
    if method == "integrated_gradients":
        total = found.score - found.reference
        assert found.values.sum() == pytest.approx(total, abs=0.02 * abs(total)) and abs(found.gap) <= 0.02
        assert found.by_lead.sum() == pytest.approx(found.values.sum())


def test_a_picture_that_weights_do_not_change_is_told(packaged, real):
    model, processor = packaged
    learned_nothing = asked_score(model, processor, None, "sinus rhythm", None).with_random_weights(3).model
    asked = {"text": "sinus rhythm", "seeds": [3], "method": "occlusion"}
    checked = weights_matter(real, (learned_nothing, processor), **asked)
    assert checked["largest"] == pytest.approx(1) and not checked["passed"]


def test_gradients_lie_where_the_reason_lies_in_the_records_own_time():
    # the third beat of V2, at the model's rate
    score = asking(lambda values: 2 * values[:, 7, 220:280].sum(dim=1) - values[:, 0, 420:480].sum(dim=1))
    found = explained(score, beating(), "integrated_gradients")
    assert found.values.shape == (12, 1600) and found.gap == pytest.approx(0, abs=1e-5)
    assert found.values[7, 440:560].sum() == pytest.approx(found.by_lead[7]) and found.by_lead[7] > 0
    assert found.by_lead[0] < 0 and np.abs(np.delete(found.by_lead, [0, 7])).max() < 1e-9
    assert int(found.by_beat.argmax()) == 2 and int(found.by_beat.argmin()) == 4
    # the same of a stretch, whose beats are told in the record's time
    later = explained(score, beating(), "integrated_gradients", start=2.0, seconds=5.0)
    assert later.beats[0, 0] >= 2.0 and "2 to 7 s of 8 s" in later.remarks[0]


def test_crops_and_padding_have_their_place_in_time():
    steps = [{"name": "resample"}, {"name": "multi_crop", "count": 3, "num_samples": 200}]
    of_crops = asking(lambda values: values[:, 0, 50], num_samples=200, steps=steps)
    found = explained(of_crops, beating(), "integrated_gradients", seconds=8.0)
    assert np.flatnonzero(found.values[0]).tolist() == [
        *(place + near for place in (100, 700, 1300) for near in (-1, 0, 1))
    ]
    padded = [{"name": "resample"}, {"name": "pad", "num_samples": 1000, "position": "start", "value": 1.0}]
    of_padding = asking(lambda values: values[:, 0, [100, 250]].sum(dim=1), num_samples=1000, steps=padded)
    found = explained(of_padding, beating(), "integrated_gradients")
    assert found.outside == pytest.approx(1) and found.gap == pytest.approx(0, abs=1e-5)
    assert np.flatnonzero(np.abs(found.values[0]) > 1e-12).tolist() == [99, 100, 101]


@pytest.mark.parametrize("rate", [50, 100, 333.3, 1000])
def test_sums_are_the_same_in_any_time(rate):
    values = np.random.default_rng(0).normal(size=(2, 300))
    found, outside = in_record_time(values, 0.0, 100, rate, round(3 * rate))
    assert found.sum(axis=1) == pytest.approx(values.sum(axis=1)) and outside == pytest.approx(0, abs=1e-9)


def test_occlusion_takes_out_beats_and_leads_of_the_record():
    score = asking(lambda values: values[:, 7, 220:280].clamp_min(0).sum(dim=1))
    found = explained(score, beating(), "occlusion")
    assert int(found.by_beat.argmax()) == 2 and int(found.by_lead.argmax()) == 7
    others = np.delete(found.values, 7, axis=0)
    assert np.abs(others).max() < 1e-6 < found.values[7, 500]
    assert found.by_lead[7] == pytest.approx(found.score, rel=0.2) and found.gap is None


def test_derived_leads_are_drawn_and_traced_to_those_that_they_come_from():
    score = asking(lambda values: values[:, 2].abs().sum(dim=1), leads=["I", "II", "III"])
    record = beating(("I", "II"))
    assert explained(score, record, "integrated_gradients").leads == ("I", "II", "III")
    found = explained(score, record, "occlusion")
    assert found.leads == ("I", "II") and (found.by_lead != 0).all()


def test_attention_lies_on_the_samples_of_its_tokens():
    own = torch.eye(4)[None, None]
    assert rollout([own, own]).tolist() == [0.25] * 4
    one = torch.zeros(1, 1, 4, 4)
    one[..., 1] = 1
    assert int(rollout([one]).argmax()) == 1
    for model_class, config in ((hf_ecg.ECGViTModel, vit_config), (hf_ecg.STMEMModel, st_mem_config)):
        torch.manual_seed(0)
        model = model_class(config()).eval()
        samples = model.config.num_samples
        extractor = ECGFeatureExtractor(
            sampling_rate=100, num_samples=samples, steps=[{"name": "crop", "num_samples": samples}]
        )
        record = beating(rate=100, seconds=samples / 100)
        found = explain(record, (model, extractor), method="attention")
        assert found.values.sum() == pytest.approx(1) and (found.values >= 0).all() and found.score is None
        patches = found.values.sum(axis=0).reshape(-1, 16).sum(axis=1)
        # tiny weights look at all alike
        assert patches == pytest.approx(np.full(len(patches), 1 / len(patches)), rel=0.3)
    head = hf_ecg.ECGViTForECGClassification(vit_config(num_labels=3, num_samples=800)).eval()
    extractor = ECGFeatureExtractor(sampling_rate=100, num_samples=800)
    assert explain(beating(), (head, extractor), method="attention").asked == ""  # no class has a part in it


@pytest.mark.parametrize("family", list(BEAT_READERS))
def test_models_that_read_beats_are_explained_by_occlusion(family):
    model_class, config_class, prepare = BEAT_READERS[family]
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 24, "num_hidden_layers": 1}
    config = config_class(**sizes, id2label={0: "SR", 1: "AF"}, problem_type="multi_label_classification")
    model, extractor = model_class(config).eval(), prepare()
    record = beating(("I", "II", "V1"), seconds=10.0)
    found = explain(record, (model, extractor), class_name="AF", method="occlusion")
    logits = model(**extractor(record, return_tensors="pt")).logits[0]
    assert found.score == pytest.approx(logits[1].item(), abs=1e-5) and found.values.shape == (3, 2000)
    assert np.isfinite(found.values).all() and (found.by_beat != 0).any() and (found.by_lead != 0).all()
    with pytest.raises(ValueError, match="reads beat_tokens, not the waveform.*take the method occlusion"):
        explain(record, (model, extractor), class_name="AF")
    with pytest.raises(ValueError, match="reads beat_tokens, not the waveform: take occlusion"):
        explain(record, (model, extractor), method="attention")


@pytest.mark.parametrize("problem", ["multi_label_classification", "single_label_classification"])
def test_a_class_is_asked_by_its_name(problem):
    torch.manual_seed(0)
    names = {0: "SR", 1: "AF", 2: "PVC"}
    config = vit_config(num_labels=3, id2label=names, problem_type=problem, num_samples=800)
    model = hf_ecg.ECGViTForECGClassification(config).eval()
    extractor = ECGFeatureExtractor(sampling_rate=100, num_samples=800)
    found = explain(beating(), (model, extractor), class_name="af")
    logits = model(**extractor(beating(), return_tensors="pt")).logits[0]
    chances = logits.softmax(0) if "single" in problem else logits.sigmoid()
    assert found.asked == "AF" and found.probability == pytest.approx(chances[1].item(), abs=1e-5)
    with pytest.raises(ValueError, match="no class 'AFF'.*did you mean 'AF'.*SR, AF, PVC"):
        explain(beating(), (model, extractor), class_name="AFF")
    with pytest.raises(ValueError, match="wanted the class to explain, one of SR, AF, PVC"):
        explain(beating(), (model, extractor))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, "has no score to explain"),
        ({"class_name": "AF"}, "class_name is for classifiers.*ask it in words, by text"),
        ({"text": "x", "method": "atention"}, "did you mean 'attention'"),
        ({"method": "attention"}, "has no attention: take the method integrated_gradients"),
        ({"text": "x", "seconds": 90.0}, "seconds is 90.0, wanted"),
        ({"text": "x", "start": 9.0}, "start is 9.0 s"),
    ],
)
def test_questions_that_do_not_fit_are_refused(packaged, real, asked, words):
    with pytest.raises(ValueError, match=words):
        explain(real, packaged, **asked)


def test_the_picture_has_colours_bars_and_words():
    pytest.importorskip("matplotlib")
    score = asking(lambda values: values[:, 7, 220:280].sum(dim=1) - values[:, 0].abs().sum(dim=1))
    figure = plot_explanation(explained(score, beating(), "integrated_gradients"), note="A toy")
    bands = {band.get_gid(): band for band in figure.axes[0].collections}
    against, speaks = bands["explained-trace-I"].get_colors(), bands["explained-trace-V2"].get_colors()
    assert (against[against[:, 3] > 0.1, 2] > 0.5).all() and (speaks[speaks[:, 3] > 0.1, 0] > 0.5).all()
    assert not (bands["explained-trace-V5"].get_colors()[:, 3] > 0.01).any()
    words = " ".join(text.get_text() for text in figure.axes[1].texts)
    assert "A toy" in words and "Red: for a bump, blue: against" in words and "For research" in words
    assert len(figure.axes[1].patches) == 12


def test_the_command_writes_the_picture_and_tells_the_numbers(tmp_path, real):
    from hf_ecg.cli.endings import call

    np.savez(tmp_path / "ecg.npz", signals=real.to_millivolts(), leads=real.leads, sampling_rate=100, units="mV")
    words = [str(tmp_path / "ecg.npz"), "--text", "sinus rhythm", "--output", str(tmp_path / "why.png")]
    told = call("explain", words)
    assert told["asked"] == "sinus rhythm" and set(told["by_lead"]) == set(LEADS)
    assert (tmp_path / "why.png").stat().st_size > 9e3
