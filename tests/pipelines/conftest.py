"""Folders of tiny models that pipelines load, and the rows that they are asked about."""

import pytest

from tests.evaluation import tiny


@pytest.fixture(scope="package")
def work(tmp_path_factory):
    """Folders of a dual encoder for each loss, an encoder, classifiers of each problem type, and a text encoder."""
    folder = tmp_path_factory.mktemp("pipelines")
    for loss_type in ("sigmoid", "softmax"):
        tiny.dual_encoder(loss_type=loss_type).save_pretrained(folder / loss_type)
        tiny.processor().save_pretrained(folder / loss_type)
    tiny.dual_encoder().ecg_model.save_pretrained(folder / "encoder")
    tiny.feature_extractor().save_pretrained(folder / "encoder")
    tiny.dual_encoder().text_model.save_pretrained(folder / "bert")
    tiny.tokenizer().save_pretrained(folder / "bert")
    for problem in ("multi_label_classification", "single_label_classification", "regression"):
        model = tiny.classifier(["SR", "AFIB", "PVC"])
        model.config.problem_type = problem
        model.save_pretrained(folder / problem)
        tiny.feature_extractor().save_pretrained(folder / problem)
    return folder


@pytest.fixture(scope="package")
def corpus():
    return tiny.dataset(7)
