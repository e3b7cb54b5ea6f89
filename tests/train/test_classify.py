import click
import numpy as np
import pytest

import hf_ecg
from tests.evaluation import tiny


@pytest.fixture(scope="module")
def script(repository):
    return tiny.load_script(repository, "classify")


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A model folder and a WFDB record in format 16."""
    folder = tmp_path_factory.mktemp("classify")
    counts = tiny.rows(1)[0]["signal"].reshape(len(tiny.LEADS), -1)
    counts.T.astype("<i2").tofile(folder / "record.dat")
    lines = [f"record {len(tiny.LEADS)} 100 {tiny.SAMPLES}"]
    for lead, samples in zip(tiny.LEADS, counts, strict=True):
        checksum = int(samples.astype(np.int64).sum().astype(np.int16))
        lines.append(f"record.dat 16 1000(0)/mV 16 0 {samples[0]} {checksum} 0 {lead}")
    (folder / "record.hea").write_text("\n".join(lines) + "\n")
    for loss_type in ("sigmoid", "softmax"):
        tiny.dual_encoder(loss_type=loss_type).save_pretrained(folder / loss_type)
        tiny.processor().save_pretrained(folder / loss_type)
    tiny.save_prompts(folder / "tiny_rhythm.yaml")
    return folder


def classify(script, work, *prompts, model="sigmoid"):
    return script.main([str(work / "record.hea"), "--model", str(work / model), "--prompts", *prompts])


def test_table_of_cosines_and_probabilities(script, work, capsys):
    results = classify(script, work, str(work / "tiny_rhythm.yaml"), "sinus rhythm")
    assert [entry["class"] for entry in results] == ["AFIB", "SR", "sinus rhythm"]
    # The prompt of SR is the text given as it is.
    assert results[1]["cosine"] == pytest.approx(results[2]["cosine"])
    model = tiny.dual_encoder(loss_type="sigmoid")
    logit = model.logit_scale.exp().item() * results[0]["cosine"] + model.logit_bias.item()
    assert results[0]["probability"] == pytest.approx(1 / (1 + np.exp(-logit)), rel=1e-3)
    printed = capsys.readouterr().out
    assert "probability" in printed and f"{results[0]['cosine']:.3f}" in printed


def test_cosine_is_that_of_the_row(script, work):
    from hf_ecg.evaluation.judging.features import ecg_embeddings, ecg_text_embeddings

    model, processor = tiny.dual_encoder(loss_type="sigmoid"), tiny.processor()
    record = ecg_embeddings(model, processor, tiny.dataset(1))
    text = ecg_text_embeddings(model, processor, ["sinus rhythm"])
    assert classify(script, work, "sinus rhythm")[0]["cosine"] == pytest.approx((record @ text.T).item(), abs=1e-4)


def test_without_sigmoid_no_probability_is_shown(script, work, capsys):
    assert classify(script, work, "sinus rhythm", model="softmax")[0]["probability"] is None
    assert "not probabilities" in capsys.readouterr().out


def test_a_mistyped_prompt_set_is_no_text(script, work):
    with pytest.raises((ValueError, OSError), match="ptb_xl_superdiagnostc"):
        classify(script, work, "ptb_xl_superdiagnostc")


@pytest.mark.parametrize("slip", ["ptbxl", "PTB-XL rythm"])
def test_a_mistyped_prompt_set_without_underscores_is_none_either(script, work, slip):
    with pytest.raises(ValueError, match=f"{slip!r} is not a prompt set, and too near to the name 'ptb_xl_"):
        classify(script, work, slip, "sinus rhythm")


def test_real_record(script, ptb_xl_dir, tmp_path):
    record = sorted(ptb_xl_dir.glob("records100/*/*.hea"))[0]
    tiny.dual_encoder().save_pretrained(tmp_path)
    tiny.processor(num_samples=1000).save_pretrained(tmp_path)
    results = script.main([str(record), "--model", str(tmp_path), "--prompts", "ptb_xl_superdiagnostic"])
    assert [entry["class"] for entry in results] == ["NORM", "MI", "STTC", "CD", "HYP"]
    assert all(0 <= entry["probability"] <= 1 and abs(entry["cosine"]) <= 1 for entry in results)


def test_a_record_is_named_without_its_ending_too(script, work, capsys):
    script.main([str(work / "record"), "--model", str(work / "sigmoid"), "--prompts", "atrial fibrillation"])
    assert "atrial fibrillation" in capsys.readouterr().out


def test_a_classifier_says_what_its_classes_get(script, work, capsys):
    folder = work / "classifier"
    tiny.classifier(["AFIB", "SR"]).save_pretrained(folder)
    tiny.feature_extractor().save_pretrained(folder)
    tiny.write_facts(folder, label_sets=["rhythm"])
    record, model = str(work / "record.hea"), ["--model", str(folder), "--device", "cpu"]
    results = script.main([record, *model, "--picture", str(work / "answer.png")])
    by_pipeline = hf_ecg.pipeline(model=folder, device="cpu")(record, top_k=None)
    assert [(one["class"], one["probability"]) for one in results] == [(p["label"], p["score"]) for p in by_pipeline]
    assert (work / "answer.png").is_file()
    told = capsys.readouterr().out
    assert "atrial fibrillation" in told and "what the classifier gives" in told and "cosine" not in told
    # of a label set of somebody's own no words are known
    tiny.write_facts(folder, label_sets=["mine"])
    assert {one["words"] for one in script.main([record, *model])} == {""}
    with pytest.raises(click.UsageError, match="wanted --prompts: words to compare the ECG with"):
        script.main([record, "--model", str(work / "sigmoid")])


def test_a_regression_gives_its_number(script, work, capsys):
    folder = work / "age"
    model = tiny.classifier(["age"])
    model.config.problem_type = "regression"
    model.save_pretrained(folder)
    tiny.feature_extractor().save_pretrained(folder)
    (result,) = script.main([str(work / "record.hea"), "--model", str(folder), "--device", "cpu"])
    assert set(result) == {"class", "words", "value"} and f"{result['value']:.3g}" in capsys.readouterr().out
    with pytest.raises(ValueError, match="answers in words, and .* gives numbers"):
        script.main([str(work / "record.hea"), "--model", str(folder), "--picture", str(work / "age.png")])


def test_codes_have_the_words_of_their_own_prompt_set(script, work):
    words = {one["class"]: one["words"] for one in classify(script, work, "csn", "some text")}
    assert words["AF"] == "atrial flutter" and words["some text"] == ""
    words = {one["class"]: one["words"] for one in classify(script, work, "cinc2021")}
    assert words["AF"] == "atrial fibrillation"
