"""Records of which a recipe makes several crops: their mean counts, or the largest of each number."""

import pytest
from sklearn.metrics import roc_auc_score

from hf_ecg import ECGFeatureExtractor
from hf_ecg.evaluation.benchmark.settings import BenchmarkSettings
from hf_ecg.evaluation.judging.averaged_windows import averaged_windows_notes
from hf_ecg.evaluation.judging.features import classifier_logits
from hf_ecg.evaluation.judging.probe_report import judge_by_probe
from hf_ecg.evaluation.judging.prompt_report import judge_by_prompts
from hf_ecg.evaluation.options import Companions, ForwardOptions, IntervalOptions
from hf_ecg.evaluation.robustness.conditions import NoiseOptions
from hf_ecg.evaluation.robustness.robustness_run import RobustnessOptions, judge_robustness
from tests.evaluation import tiny

FEW = IntervalOptions(replicates=20, minimum=3)
FOLDS = {"train": [1, 2, 3, 4, 5, 6], "validation": [7, 8], "test": [9, 10]}


def rows():
    """Signals that say nothing of the labels beside them, so that no judge finds all."""
    whole = tiny.dataset(240)
    return whole.remove_columns("signal").add_column(
        "signal", tiny.dataset(240, seed=1)["signal"][:], feature=whole.features["signal"]
    )


def forward(crops):
    return ForwardOptions(device="cpu", crops=crops)


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A classifier and a dual encoder whose recipe takes four quarters of a record."""
    folder = tmp_path_factory.mktemp("crops")
    tiny.write_corpus(folder / "corpus", whole=rows())
    steps = [*tiny.STEPS, {"name": "multi_crop", "count": 4}]
    extractor = ECGFeatureExtractor(sampling_rate=100, leads=tiny.LEADS, num_samples=25, steps=steps)
    model = tiny.classifier(["SR", "AFIB"])
    model.config.num_samples = 25
    model.save_pretrained(folder / "BCE")
    extractor.save_pretrained(folder / "BCE")
    tiny.write_facts(folder / "BCE", train_folds=[1, 2, 3, 4, 5, 6], validation_folds=[7, 8])
    dual = tiny.dual_encoder()
    dual.config.ecg_config.num_samples = 25
    dual.save_pretrained(folder / "OUT")
    processor = tiny.processor()
    processor.feature_extractor = extractor
    processor.save_pretrained(folder / "OUT")
    tiny.write_facts(folder / "OUT", train_folds=[1, 2, 3, 4, 5, 6], validation_folds=[7, 8])
    tiny.save_prompts(folder / "rhythm.yaml")
    return folder


def auroc_of_logits(crops):
    judged = rows().filter(lambda fold: fold in (9, 10), input_columns="fold")
    model = tiny.classifier(["SR", "AFIB"])
    steps = [*tiny.STEPS, {"name": "multi_crop", "count": 4}]
    extractor = ECGFeatureExtractor(sampling_rate=100, leads=tiny.LEADS, num_samples=25, steps=steps)
    logits = classifier_logits(model, extractor, judged, crops=crops)
    afib = [labels == [0] for labels in judged["rhythm"]]
    return (roc_auc_score(afib, logits[:, 1]) + 1 - roc_auc_score(afib, logits[:, 0])) / 2


def test_the_largest_crop_counts_in_every_judge_when_it_is_asked_for(work):
    wanted = {crops: auroc_of_logits(crops) for crops in ("mean", "max")}
    assert wanted["mean"] != wanted["max"]
    data, beside = str(work / "corpus"), Companions(supervised=(str(work / "BCE"),))
    given = {"intervals": FEW, "forward": forward("max")}
    probe = judge_by_probe(
        [str(work / "BCE")], data, "rhythm", folds=FOLDS, percentages=[100], companions=beside, **given
    )
    asked = judge_by_prompts(
        [str(work / "OUT")], data, [str(work / "rhythm.yaml")], folds=[9, 10], companions=beside, **given
    )
    for report in (probe, asked):
        found = report["tasks"][0]["systems"]["BCE classifier"]["macro"]["auroc"]["value"]
        assert found == pytest.approx(wanted["max"])
        assert any("largest value" in note for note in report["notes"])
    options = RobustnessOptions(noise=NoiseOptions(snrs_db=(0.0,)), table="tolerantecg", label_sets=("rhythm",))
    # the parts of the other crops lie in the same folder
    for crops in ("mean", "max"):
        given = {"intervals": FEW, "forward": forward(crops)}
        robust = judge_robustness([str(work / "BCE")], data, work / "table", options, folds=FOLDS, **given)
        (clean,) = (
            cell for cell in robust["tasks"][0]["cells"] if (cell["leads"], cell["noise"]) == ("all leads", "clean")
        )
        assert clean["auroc"]["value"] == pytest.approx(wanted[crops])
        assert any("largest value" in note for note in robust["notes"]) is (crops == "max")


def test_probes_and_embeddings_are_of_the_largest_crop_too(work):
    found = {}
    for crops in ("mean", "max"):
        given = {"intervals": FEW, "forward": forward(crops)}
        probe = judge_by_probe(
            [str(work / "BCE")], str(work / "corpus"), "rhythm", folds=FOLDS, percentages=[100], **given
        )
        asked = judge_by_prompts(
            [str(work / "OUT")], str(work / "corpus"), [str(work / "rhythm.yaml")], folds=[9, 10], **given
        )
        found[crops] = [
            report["tasks"][0]["systems"][name]["macro"]["auroc"]["value"]
            for report, name in ((probe, "probe 100 %"), (asked, "prompts"))
        ]
    assert all(mean != largest for mean, largest in zip(*found.values(), strict=True))


def test_a_report_counts_rows_that_were_read_as_windows(work, tmp_path):
    dual = tiny.dual_encoder()
    dual.save_pretrained(tmp_path)
    tiny.processor(40).save_pretrained(tmp_path)  # of rows of 100 samples
    tiny.write_facts(tmp_path, train_folds=[1, 2, 3, 4, 5, 6], validation_folds=[7, 8])
    options = {"folds": [9, 10], "config": tiny.CONFIG, "intervals": FEW}
    report = judge_by_prompts([str(tmp_path)], str(work / "corpus"), [str(work / "rhythm.yaml")], **options)
    number = report["tasks"][0]["records"]
    said = "rows longer than the model takes at once were read as windows, whose outputs were averaged"
    assert f"{said}: {number} of {number} rows, {3 * number} windows" in report["notes"]
    judged = rows().filter(lambda fold: fold in (9, 10), input_columns="fold")
    (note,) = averaged_windows_notes([str(tmp_path)] * 2, judged, "max")
    assert "taken together by the largest of each number" in note
    # the crops of a recipe are not windows
    assert averaged_windows_notes([str(work / "OUT"), str(work / "BCE")], judged) == []


def test_another_word_is_refused_before_anything_runs():
    with pytest.raises(ValueError, match="crops is 'median'"):
        BenchmarkSettings(forward=forward("median"))
