"""Written reports: one a record, kept as they are written; templates and constants beside them."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from hf_ecg.evaluation.judging.report_template import TemplateWriter, best_threshold, fit_template, in_order
from hf_ecg.evaluation.judging.written_reports import (
    KeptReports,
    WritingOptions,
    about_writing,
    commonest_report,
    write_reports,
)
from hf_ecg.evaluation.loading import load_writer
from hf_ecg.evaluation.protocol import read_training_facts
from tests.evaluation import tiny


class Writer(nn.Module):
    """Writes "sinus rhythm", or "atrial fibrillation" where the first lead is large."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.asked: list[dict] = []

    def generate(self, input_values, lead_mask, sample_mask, **options):
        self.asked.append({"records": len(input_values), **options})
        large = input_values[:, 0].abs().amax(dim=-1) > 2
        words = [tiny.tokenizer()(text, add_special_tokens=False).input_ids for text in tiny.TEXTS.values()]
        pad, cls = tiny.WORDS.index("[PAD]"), tiny.WORDS.index("[CLS]")
        return torch.tensor([[cls, *words[0 if one else 1], pad] for one in large])


@pytest.fixture(scope="module")
def rows():
    return tiny.dataset(10)


def true(rows):
    return [text.split(". ")[0] for text in rows["text"]]


def test_a_report_for_each_record_in_order(rows):
    model = Writer()
    written = write_reports(model, tiny.processor(), rows, WritingOptions(2, 7), batch_size=4)
    assert written == true(rows) and len(set(written)) == 2
    assert [one["records"] for one in model.asked] == [4, 4, 2]
    assert model.asked[0] == {"records": 4, "num_beams": 2, "do_sample": False, "max_new_tokens": 7}
    assert WritingOptions().words == "greedy" and WritingOptions(3).words == "3 beams"


@pytest.mark.parametrize("numbers", [(0, None), (1, 0), (1.5, None)])
def test_impossible_options(numbers):
    with pytest.raises(ValueError, match="wanted a positive integer"):
        WritingOptions(*numbers)


def test_a_run_that_was_stopped_goes_on_and_other_weights_begin_anew(rows, tmp_path):
    path, processor, options = tmp_path / "texts.jsonl", tiny.processor(), WritingOptions()

    class Stopping(Writer):
        def generate(self, **inputs):
            if self.asked:
                raise KeyboardInterrupt
            return super().generate(**inputs)

    def about(model):
        return about_writing(model, processor, rows, options)

    model = Stopping()
    with pytest.raises(KeyboardInterrupt):
        write_reports(model, processor, rows, options, 4, keep=KeptReports(path, about(model)))
    with path.open("a") as file:
        file.write('{"record_id": "r4", "rep')  # a line that was cut short
    again = Writer()
    kept = KeptReports(path, about(again))
    assert list(kept.found) == ["r0", "r1", "r2", "r3"]
    assert write_reports(again, processor, rows, options, 4, keep=kept) == true(rows)
    assert sum(one["records"] for one in again.asked) == 6
    assert [json.loads(line)["record_id"] for line in path.read_text().splitlines()[1:]] == rows["record_id"][:]
    third = Writer()
    assert write_reports(third, processor, rows, keep=KeptReports(path, about(third))) == true(rows)
    assert not third.asked
    with torch.no_grad():
        third.weight.mul_(2)
    assert not KeptReports(path, about(third)).found


def test_a_file_of_something_else_is_not_written_over(tmp_path):
    path = tmp_path / "texts.jsonl"
    for content in ("a letter\n", '{"record_id": "r1", "report": ""}\n', ""):
        path.write_text(content)
        with pytest.raises(ValueError, match="holds something that is not reports"):
            KeptReports(path, {"options": 1})
        assert path.read_text() == content


def test_the_commonest_report():
    assert commonest_report(["b", "a", "b", "c", "a"]) == "a"
    with pytest.raises(ValueError, match="no report"):
        commonest_report([])


def test_the_best_threshold_by_trying_all():
    random = np.random.default_rng(0)
    for _ in range(20):
        scores, truth = random.integers(0, 6, 12) / 6, random.random(12) < 0.4
        truth[0] = True

        def f1(threshold, scores=scores, truth=truth):
            said = scores >= threshold
            return 2 * (said & truth).sum() / (said.sum() + truth.sum())

        best = max(f1(threshold) for threshold in scores)
        found = best_threshold(scores, truth)
        assert f1(found) == pytest.approx(best)
        assert found == max(threshold for threshold in scores if f1(threshold) == pytest.approx(best))


def test_a_template_writes_in_its_order_never_nothing_and_no_rare_sentence():
    sentences = in_order(["a. b", "a. c", "d. a. b"])
    assert sentences == ["d", "a", "c", "b"]
    scores = np.array([[0.9, 0.9, 0.0], [0.8, 0.1, 0.1], [0.1, 0.8, 0.2], [0.0, 0.2, 0.9]])
    truth = np.array([[1, 1, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    template = fit_template(["a", "b", "c"], scores, truth, minimum=2)
    assert template.sentences == ("a", "b") and template.thresholds.tolist() == [0.8, 0.8]
    assert template.write(scores[:, :2]) == ["a. b", "a", "b", "b"]
    with pytest.raises(ValueError, match=r"wanted \(records, 2\)"):
        template.write(scores)
    with pytest.raises(ValueError, match="no sentence is true of 3 of the 4 rows"):
        fit_template(["a", "b", "c"], scores, truth, minimum=3)


def test_a_model_that_cannot_write_is_refused_in_a_sentence(tmp_path):
    tiny.dual_encoder().save_pretrained(tmp_path)
    with pytest.raises(
        ValueError, match="ECGTextModel, which cannot write reports of ECGs, wanted one such as MELPText"
    ):
        load_writer(tmp_path, torch.device("cpu"))


def test_a_template_by_a_classifier_and_by_a_model_of_texts(rows, tmp_path):
    names = tiny.LABEL_SETS["rhythm"]
    for folder, model, processor in (
        (tmp_path / "classifier", tiny.classifier(names[::-1]), tiny.feature_extractor()),
        (tmp_path / "texts", tiny.dual_encoder(), tiny.processor()),
    ):
        model.save_pretrained(folder)
        processor.save_pretrained(folder)
        tiny.write_facts(folder, label_sets=["rhythm"])
    texts, device = rows["text"][:], torch.device("cpu")
    classifier = TemplateWriter(
        *(str(tmp_path / "classifier"), "classifier", read_training_facts(tmp_path / "classifier")),
        *(device, texts, 4),
    )
    assert classifier.sentences == ["sinus rhythm", "atrial fibrillation"]
    # scored as the labels are: the words of a class stand for its own column
    first = [text.split(". ")[0] for text in texts]
    template = classifier.fit(rows, [""] * len(rows), minimum=1)
    exact = np.array([[text == sentence for sentence in template.sentences] for text in first], dtype=float)
    assert fit_template(template.sentences, exact, exact, 1).write(exact) == first
    assert all(template.write(classifier.scores(rows)))
    writer = TemplateWriter(str(tmp_path / "texts"), "dual encoder", None, device, texts, 4)
    assert set(writer.sentences) == set(tiny.TEXTS.values())
    made = writer.fit(rows, texts, minimum=1)
    assert made.thresholds.shape == (3,) and all(made.write(writer.scores(rows)))
    tiny.write_facts(tmp_path / "classifier", label_sets=["rhythm", "form"])
    with pytest.raises(ValueError, match=r"trained on the label sets \['rhythm', 'form'\], a template wants one"):
        TemplateWriter(
            *(str(tmp_path / "classifier"), "classifier", read_training_facts(tmp_path / "classifier")),
            *(device, texts, 4),
        )
