"""How leads are judged: regressions against numpy, errors against a plain loop, the report of real ECGs."""

import json

import numpy as np
import pytest
import torch

from hf_ecg import ECGFeatureExtractor, ECGUNetForLeadReconstruction
from hf_ecg.cli import call
from hf_ecg.evaluation.lead_reconstruction.lead_sets import LeadSet
from hf_ecg.evaluation.lead_reconstruction.linear_baselines import LinearLeads, own_regression, regressors
from hf_ecg.evaluation.lead_reconstruction.reconstruction_page import better_leads, reconstruction_page
from hf_ecg.evaluation.lead_reconstruction.record_errors import PatientBootstrap, first_half, record_errors
from hf_ecg.signals import STANDARD_LEADS
from tests.evaluation import tiny
from tests.models.tiny.ecg_unet import unet_config


def leads(rows=3, samples=90, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(rows, 12, samples)))


def test_sets_of_leads_say_what_is_judged():
    wanted = {
        "I": ("II", "V1", "V2", "V3", "V4", "V5", "V6"),
        "II": ("I", "V1", "V2", "V3", "V4", "V5", "V6"),
        "I+II+V2": ("V1", "V3", "V4", "V5", "V6"),
        "III+aVF+V1+V5": ("V2", "V3", "V4", "V6"),
    }
    for text, judged in wanted.items():
        assert LeadSet.parse(text).judged == judged and LeadSet.parse(text).name == text
    assert LeadSet.parse("I+II+III").regressors == [0, 1]
    for text, message in (("V1+V2", "no limb lead"), ("I+X", "not among the standard"), ("I+Q", "unknown lead")):
        with pytest.raises(ValueError, match=message):
            LeadSet.parse(text)


def test_the_regression_is_that_of_numpy_with_a_constant():
    values, there, samples = leads() + 0.5, torch.ones(3, 12, dtype=torch.bool), torch.ones(3, 90, dtype=torch.bool)
    regression = LinearLeads(LeadSet.parse("I+II+V2"))
    regression.add(values[:2], there[:2], samples[:2])
    regression.add(values[2:], there[2:], samples[2:])
    flat = values.permute(0, 2, 1).reshape(-1, 12).numpy()
    read = np.column_stack([flat[:, [0, 1, 7]], np.ones(len(flat))])
    wanted = np.linalg.lstsq(read, flat, rcond=None)[0]
    np.testing.assert_allclose(regression.weights, wanted, atol=1e-5)
    np.testing.assert_allclose(regression(values)[1], (read[90:180] @ wanted).T, atol=1e-5)
    # a record that lacks a lead teaches nothing, nor does what is padded
    there = there.clone()
    there[0, 3], samples = False, samples.clone()
    samples[1, 50:] = False
    partial = LinearLeads(LeadSet.parse("I+II+V2"))
    partial.add(values[:2], there[:2], samples[:2])
    kept = values[1, :, :50].T.numpy()
    wanted = np.linalg.lstsq(np.column_stack([kept[:, [0, 1, 7]], np.ones(50)]), kept, rcond=None)[0]
    np.testing.assert_allclose(partial.weights, wanted, atol=1e-4)


def test_neighbours_are_the_samples_before_and_behind():
    values = torch.arange(20.0).expand(1, 12, 20)
    read = regressors(values, [0], (-2, 0, 3))
    assert read[0, :, 10].tolist() == [8.0, 10.0, 13.0, 1.0] and read[0, :, 0].tolist() == [0.0, 0.0, 3.0, 1.0]


def test_a_patient_s_own_regression_sees_the_first_half_alone():
    values, samples = leads(2, 80), torch.ones(2, 80, dtype=torch.bool)
    samples[1, 60:] = False
    early = first_half(samples)
    assert early.sum(dim=1).tolist() == [40, 30]
    later = values.clone()
    later[:, 6:, 40:] = 9.0
    one = LeadSet.parse("I+II")
    found, again = (own_regression(each, samples, early, one) for each in (values, later))
    torch.testing.assert_close(found, again)
    kept = values[0, :, :40].T.numpy()
    read = np.column_stack([values[0, [0, 1]].T.numpy(), np.ones(80)])
    wanted = read @ np.linalg.lstsq(read[:40], kept, rcond=None)[0]
    np.testing.assert_allclose(found[0], wanted.T, atol=1e-4)


def test_errors_are_those_of_a_plain_loop():
    prediction, target, samples = leads(2, 30), leads(2, 30, 1), torch.ones(2, 30, dtype=torch.bool)
    samples[0, 12:], target[1, 4] = False, 0.7
    found = record_errors(prediction, target, samples)
    for row in range(2):
        for lead in range(12):
            one, other = (each[row, lead][samples[row]].numpy() for each in (prediction, target))
            assert found[row, 0, lead] == pytest.approx(1e6 * np.mean((one - other) ** 2))
            assert found[row, 1, lead] == pytest.approx(1e6 * np.var(other), abs=1e-6)
            if (row, lead) != (1, 4):
                assert found[row, 2, lead] == pytest.approx(np.corrcoef(one, other)[0, 1])
    assert found[1, 2, 4].isnan()


def test_differences_are_paired_over_patients():
    random = np.random.default_rng(0)
    base = random.gamma(1.0, 1000.0, 60)
    errors = np.column_stack([base, np.full(60, 4000.0), np.full(60, 0.5)])
    bootstrap = PatientBootstrap([f"p{row // 2}" for row in range(60)], 200, 0)
    figures = bootstrap.figures(errors)
    assert figures.information.value == pytest.approx(base.mean() / 4000) and figures.records == 60
    assert figures.r2.value == pytest.approx(1 - figures.information.value)
    assert figures.mse.low < figures.mse.value < figures.mse.high
    difference = bootstrap.difference(0.9 * base, base)
    # the records differ by far more than the two systems do
    assert difference["part"].high == pytest.approx(-0.1) and difference["mse"].high < 0
    alone = PatientBootstrap(["p"] * 60, 200, 0).figures(errors)
    assert alone.mse.value == pytest.approx(base.mean()) and alone.mse.low is None


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """The report of an untrained network on sixty made records, and its folder."""
    folder = tmp_path_factory.mktemp("judged")
    model = ECGUNetForLeadReconstruction(unet_config())
    model.save_pretrained(folder / "model")
    steps = [{"name": "derive_limb_leads"}, {"name": "select_leads"}]
    ECGFeatureExtractor(100, STANDARD_LEADS, None, steps).save_pretrained(folder / "model")
    tiny.write_facts(folder / "model", train_folds=[1, 2, 3, 4, 5, 6, 7], validation_folds=[8])
    tiny.write_corpus(folder / "corpus", 60)
    report = call("evaluate lead-reconstruction", arguments(folder, "--test_folds", "9,10", "--picture", "first"))
    return folder, report


def arguments(folder, *others):
    given = ["--model", str(folder / "model"), "--data", str(folder / "corpus"), "--config", tiny.CONFIG]
    return [*given, "--train_folds", "1-7", "--bootstrap", "20", "--inputs", "I+II", "II", *others] + [
        "--output_dir",
        str(folder / "report"),
    ]


def test_the_report_has_every_set_lead_and_system(judged):
    folder, report = judged
    assert [one["inputs"] for one in report["sets"]] == ["I+II", "II"]
    assert [entry["lead"] for entry in report["sets"][1]["leads"]] == ["I", *STANDARD_LEADS[6:]]
    halves = report["sets"][0]["leads"][0]["parts"]["second halves"]
    assert set(halves["systems"]) == {"model", "linear", "linear, neighbours", "patient's own linear"}
    # the waves of the made corpus are the same in all leads: a regression finds them, an untrained network does not
    assert better_leads(report["sets"][0])[0] == []
    assert report == json.loads((folder / "report" / "lead_reconstruction.json").read_text())
    page = (folder / "report" / "lead_reconstruction.md").read_text()
    assert page == reconstruction_page(report) and "## From I+II" in page and "patient's own linear" in page
    assert (folder / "report" / "lead_reconstruction.png").stat().st_size > 5000


def test_folds_of_the_training_and_other_models_are_refused(judged, tmp_path):
    folder, _ = judged
    with pytest.raises(ValueError, match="was selected on folds"):
        call("evaluate lead-reconstruction", arguments(folder, "--test_folds", "8"))
    with pytest.raises(ValueError, match="no limb lead"):
        call("evaluate lead-reconstruction", [*arguments(folder, "--test_folds", "9"), "--inputs", "V1"])
    tiny.classifier(["SR"]).save_pretrained(tmp_path)
    tiny.feature_extractor().save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="wanted one that completes leads"):
        call("evaluate lead-reconstruction", [*arguments(folder, "--test_folds", "9"), "--model", str(tmp_path)])


def test_regressions_may_be_fitted_on_another_corpus(judged):
    folder, report = judged
    other = ["--fitted_on", str(folder / "corpus"), "--fitted_on_config", tiny.CONFIG, "--train_folds", "9,10"]
    again = call("evaluate lead-reconstruction", [*arguments(folder, "--test_folds", "9,10"), *other])
    assert "fitted on" in " ".join(again["notes"])
    first, second = (one["sets"][0]["leads"][0]["parts"]["whole records"]["systems"] for one in (report, again))
    assert first["model"] == second["model"] and first["linear"] != second["linear"]
    assert second["linear"]["mse"]["value"] < first["linear"]["mse"]["value"]
