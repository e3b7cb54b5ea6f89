"""The command that judges written reports: a model that writes, a template, a constant, on folds of their own."""

import json

import pytest
import torch
from transformers import BertConfig

from hf_ecg import ECGFMConfig, MELPConfig, MELPTextConfig, MELPTextModel
from hf_ecg.cli import call
from hf_ecg.evaluation.judging.generation_report import judge_written_reports
from hf_ecg.evaluation.judging.written_reports import WritingOptions, commonest_report
from hf_ecg.evaluation.metrics.report_figures import count_reports, report_figures
from hf_ecg.evaluation.options import IntervalOptions
from tests.evaluation import tiny

FEW = IntervalOptions(replicates=5, minimum=1)
FOLDS = {"train": [1, 2, 3, 4, 5, 6], "validation": [7, 8], "test": [10]}


def writer(seed: int = 0) -> MELPTextModel:
    """A model with random weights: it writes something, and what that is depends on the record."""
    body = ECGFMConfig(
        num_samples=tiny.SAMPLES,
        sampling_rate=100,
        convolution_channels=[8, 8],
        convolution_kernel_sizes=[4, 4],
        convolution_strides=[4, 4],
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        position_kernel_size=4,
        position_groups=2,
        initializer_range=0.3,
    )
    tower = MELPConfig(
        body_config=body,
        num_samples=tiny.SAMPLES,
        hidden_size=8,
        num_beat_queries=2,
        num_caption_queries=3,
        caption_size=16,
        num_pooling_heads=2,
        initializer_range=0.3,
    )
    text = BertConfig(
        vocab_size=len(tiny.WORDS),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=20,
    )
    torch.manual_seed(seed)
    config = MELPTextConfig(
        ecg_config=tower,
        text_config=text,
        projection_dim=8,
        projection_hidden_size=8,
        decoder_num_hidden_layers=1,
        decoder_num_attention_heads=2,
        decoder_positions=16,
        initializer_range=0.3,
    )
    return MELPTextModel(config).eval()


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A corpus, a model that writes and a classifier, both of folds 1 to 6."""
    root = tmp_path_factory.mktemp("generation")
    names = tiny.LABEL_SETS["rhythm"]
    tiny.write_corpus(root / "corpus", 80)
    for name, model, processor in (
        ("writer", writer(), tiny.processor()),
        ("classifier", tiny.classifier(names), tiny.feature_extractor()),
    ):
        model.save_pretrained(root / name)
        processor.save_pretrained(root / name)
        text = "text" if name == "writer" else None
        labels = [] if text else ["rhythm"]
        seen = {"train_folds": FOLDS["train"], "validation_folds": []}
        tiny.write_facts(root / name, **seen, text_column=text, label_sets=labels)
    return root


def test_the_command_judges_a_writer_a_template_and_a_constant(folders, tmp_path):
    output = tmp_path / "reports.json"
    words = ["evaluate", "reports", "--model", folders / "writer", "--data", folders / "corpus", "--template"]
    words += [folders / "classifier", "--train_folds", "1-6", "--validation_folds", "7,8", "--test_folds", "10"]
    words += "--bootstrap 20 --minimum 1 --device cpu --max_new_tokens 6 --references text".split()
    report = call("", [*map(str, words), "--output", str(output)])
    assert json.loads(output.read_text())["tasks"] == report["tasks"]
    (task,) = report["tasks"]
    systems = ["MELPTextModel, greedy", "template", "commonest report"]
    assert list(task["figures"]) == systems and task["records"] == 8 and task["left_out"] == 0
    assert [entry["second"] for entry in task["figure_differences"]] == systems[1:]
    lines = (tmp_path / "reports.texts.jsonl").read_text().splitlines()
    written = [json.loads(line)["report"] for line in lines[1:]]
    test = tiny.dataset(80).filter(lambda row: row["fold"] == 10)
    alone = report_figures(count_reports(written, test["text"][:]), torch.ones(1, 8).numpy())
    for name, found in task["figures"][systems[0]].items():
        value = alone[name][0]
        assert found["value"] == (None if value != value else pytest.approx(float(value))), name
    page = output.with_suffix(".md").read_text()
    assert "label-text: trained on texts composed of labels" in page and "| true statements named |" in page
    cells = tiny.cells_of_one_seed(page.splitlines())
    assert systems[1] in cells and systems[2] not in cells
    assert page.count("| true |") == 5


def test_beams_a_model_as_its_own_template_and_the_constant_of_the_training(folders):
    texts = {
        fold: tiny.dataset(80).filter(lambda row, fold=fold: row["fold"] == fold)["text"][:]
        for fold in (10, *FOLDS["train"])
    }
    constants = {fold: commonest_report(found) for fold, found in texts.items()}
    fold = next(fold for fold in FOLDS["train"] if constants[fold] != constants[10])
    report = judge_written_reports(
        str(folders / "writer"),
        str(folders / "corpus"),
        folds=FOLDS | {"train": [fold]},
        template=str(folders / "writer"),
        writing=WritingOptions(num_beams=2, max_new_tokens=4),
        references=["text"],
        intervals=FEW,
    )
    assert list(report["tasks"][0]["figures"]) == ["MELPTextModel, 2 beams", "template", "commonest report"]
    shown = {example["reports"]["commonest report"] for example in report["tasks"][0]["examples"]}
    assert shown == {constants[fold]}


@pytest.mark.parametrize("num_beams", [1, 3])
def test_a_text_tower_that_was_saved_without_a_cache_writes_the_same(num_beams, tmp_path):
    model, values = writer(), torch.randn(3, 12, tiny.SAMPLES, generator=torch.Generator().manual_seed(0))
    wanted = model.generate(values, num_beams=num_beams, min_new_tokens=8, max_new_tokens=8)
    # as transformers' Trainer leaves it
    model.config.text_config.use_cache = False
    model.generation_config.use_cache = False
    model.save_pretrained(tmp_path)
    again = MELPTextModel.from_pretrained(tmp_path)
    assert torch.equal(again.generate(values, num_beams=num_beams, min_new_tokens=8, max_new_tokens=8), wanted)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"folds": FOLDS | {"test": [5]}}, r"the folds \[5\] are in both train and test"),
        ({"folds": {"train": [9], "validation": [8], "test": [5]}}, r"fold.*5"),
        ({"folds": FOLDS | {"train": [1], "validation": [6]}}, r"was trained on the folds \[6\], which are to choose"),
        ({"references": ["texts"]}, "no column 'texts'"),
        ({"model": "classifier"}, "ECGResNetForECGClassification, which cannot write reports of ECGs"),
        ({"writing": WritingOptions(max_new_tokens=99)}, "the decoder has 16 positions"),
        ({"intervals": IntervalOptions(5, minimum=9)}, "no sentence is true of 9 of the 16 rows"),
        ({"references": ["report"]}, "hold no report"),
    ],
)
def test_what_is_refused(changes, message, folders):
    given = {"folds": FOLDS, "references": ["text"], "template": str(folders / "classifier"), "intervals": FEW}
    given |= changes
    model = str(folders / given.pop("model", "writer"))
    with pytest.raises(ValueError, match=message):
        judge_written_reports(model, str(folders / "corpus"), **given)
