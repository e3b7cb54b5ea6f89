import copy

import numpy as np
import pytest
import torch
from torch import nn

from hf_ecg.evaluation.judging.features import (
    PreparedRows,
    classifier_logits,
    ecg_embeddings,
    ecg_features,
    ecg_text_embeddings,
    frozen,
    random_model,
    run_model,
)
from hf_ecg.evaluation.judging.label_text import aggregate_similarities, classifier_scores, prompt_scores
from hf_ecg.evaluation.metrics.classification import per_class_metrics
from tests.evaluation import tiny


@pytest.fixture(scope="module")
def dataset():
    return tiny.dataset(40)


@pytest.fixture(scope="module")
def model():
    return tiny.dual_encoder()


@pytest.fixture(scope="module")
def processor():
    return tiny.processor()


class Crops:
    """A feature extractor that makes two crops of each even record and one of each odd one."""

    def __call__(self, rows, return_tensors, window, lead=None):
        owners = [index for index in range(len(rows)) for _ in range(2 - index % 2)]
        values = torch.tensor([[float(owner), crop] for crop, owner in enumerate(owners)])
        return {"input_values": values, "record_index": torch.tensor(owners)}


class Identity(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))


def test_every_part_gets_its_own_mode_back(model):
    model = copy.deepcopy(model).train()
    model.text_model.eval()
    modes = {name: module.training for name, module in model.named_modules()}
    with pytest.raises(RuntimeError, match="inside"), frozen(model):
        assert not any(module.training for module in model.modules())
        assert not torch.is_grad_enabled()
        raise RuntimeError("inside")
    assert {name: module.training for name, module in model.named_modules()} == modes


def test_features_are_the_encoders_pooled_output_whatever_the_batch(dataset, processor, model):
    encoder = model.ecg_model
    features = ecg_features(encoder, processor.feature_extractor, dataset, batch_size=40)
    assert features.shape == (40, encoder.config.hidden_size) and features.dtype == np.float32
    assert np.allclose(features, ecg_features(model, processor, dataset, batch_size=7), atol=1e-5)
    signal = np.array(dataset[3]["signal"]).reshape(12, -1) / 1000
    inputs = processor.feature_extractor(signal, sampling_rate=100, leads=tiny.LEADS, units="mV", return_tensors="pt")
    with torch.no_grad():
        expected = encoder(**inputs).pooler_output[0]
    assert np.allclose(features[3], expected, atol=1e-5)


def test_the_encoder_is_left_bit_for_bit(dataset, processor, model):
    encoder = copy.deepcopy(model.ecg_model).train()
    before = {key: value.clone() for key, value in encoder.state_dict().items()}
    assert any("running_mean" in key for key in before)
    features = ecg_features(encoder, processor.feature_extractor, dataset)
    assert all(torch.equal(before[key], value) for key, value in encoder.state_dict().items())
    assert encoder.training and all(parameter.grad is None for parameter in encoder.parameters())
    assert np.array_equal(features, ecg_features(model, processor, dataset))


def test_crops_of_a_record_are_averaged(dataset):
    rows = PreparedRows(Crops(), dataset.select(range(5)), batch_size=5)
    result = run_model(Identity(), rows, lambda inputs: inputs["input_values"])
    assert result.tolist() == [[0, 0.5], [1, 2], [2, 3.5], [3, 5], [4, 6.5]]
    largest = run_model(Identity(), rows, lambda inputs: inputs["input_values"], crops="max")
    crops = next(iter(rows))
    for record in range(5):
        assert torch.equal(largest[record], crops["input_values"][crops["record_index"] == record].amax(0))
    assert (largest >= result).all() and not torch.equal(largest, result)
    with pytest.raises(ValueError, match="crops is 'median'"):
        run_model(Identity(), rows, lambda inputs: inputs["input_values"], crops="median")


def test_a_model_that_gives_nan_is_reported(dataset):
    rows = PreparedRows(Crops(), dataset.select(range(4)), batch_size=2)
    with pytest.raises(ValueError, match="NaN or infinite values in 4 of 4 rows"):
        run_model(Identity(), rows, lambda inputs: inputs["input_values"] * float("nan"))


def test_prepared_rows_are_made_once_when_cached(dataset, processor):
    rows = PreparedRows(processor, dataset, batch_size=16, cache=True)
    first, second = list(rows), list(rows)
    assert len(first) == len(rows) == 3
    assert all(a["input_values"] is b["input_values"] for a, b in zip(first, second, strict=True))
    with pytest.raises(ValueError, match="no rows"):
        PreparedRows(processor, dataset.select([]))


def test_prompt_scores_are_cosines_of_unit_embeddings(dataset, processor, model, tmp_path):
    from hf_ecg.clinical.prompts import load_prompts

    classes = {"AFIB": ["atrial fibrillation", "fibrillation"], "SR": ["sinus rhythm"]}
    prompt_set = load_prompts(tiny.save_prompts(tmp_path / "two.yaml", classes=classes))
    scores = prompt_scores(model, processor, dataset, prompt_set, batch_size=16)
    ecgs = ecg_embeddings(model, processor, dataset)
    texts = np.stack([ecg_text_embeddings(model, processor, [t])[0] for group in classes.values() for t in group])
    for embeddings in (ecgs, texts):
        assert np.linalg.norm(embeddings, axis=1) == pytest.approx(np.ones(len(embeddings)), abs=1e-5)
    assert scores == pytest.approx(aggregate_similarities(ecgs @ texts.T, [2, 1], "max"), abs=1e-5)
    batch = processor(ecg=dataset.select(range(4)).to_list(), text=["sinus rhythm"], padding=True, return_tensors="pt")
    with torch.no_grad():
        logits = model(**batch).logits_per_ecg
    assert model.logit_scale.exp().item() * scores[:4, 1:] + model.logit_bias.item() == pytest.approx(
        logits.numpy(), abs=1e-3
    )


def test_empty_prompts_are_refused(model, processor):
    for texts in ([], ["sinus rhythm", " "]):
        with pytest.raises(ValueError, match="not empty"):
            ecg_text_embeddings(model, processor, texts)


def test_classifier_scores_do_not_depend_on_the_order_of_its_labels(dataset, processor):
    model = tiny.classifier(["AFIB", "SR"])
    extractor = processor.feature_extractor
    scores = classifier_scores(model, extractor, dataset, ["AFIB", "SR"], "rhythm")
    assert np.array_equal(scores, classifier_logits(model, extractor, dataset))
    with torch.no_grad():
        model.classifier.weight.copy_(model.classifier.weight.flip(0))
        if model.classifier.bias is not None:
            model.classifier.bias.copy_(model.classifier.bias.flip(0))
    model.config.id2label = {0: "rhythm: SR", 1: "rhythm: AFIB"}
    assert np.allclose(classifier_scores(model, extractor, dataset, ["AFIB", "SR"], "rhythm"), scores, atol=1e-6)
    with pytest.raises(ValueError, match="no output for"):
        classifier_scores(model, extractor, dataset, ["PVC"], "form")


def test_a_random_model_follows_its_seed_alone(model):
    encoder = model.ecg_model
    state = torch.get_rng_state()
    first, again, other = (random_model(encoder, seed) for seed in (1, 1, 2))
    assert torch.equal(state, torch.get_rng_state())
    assert first.config.to_dict() == encoder.config.to_dict()
    weights = [next(m.parameters()) for m in (first, again, other, encoder)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2]) and not torch.equal(weights[0], weights[3])


def test_prompts_of_a_random_model_on_shuffled_labels_are_chance(processor, model, tmp_path):
    from hf_ecg.clinical.prompts import load_prompts
    from hf_ecg.data.corpus import label_matrix
    from hf_ecg.evaluation.metrics.bootstrap import bootstrap_evaluation

    dataset = tiny.dataset(300)
    prompt_set = load_prompts(tiny.save_prompts(tmp_path / "rhythm.yaml"))
    scores = prompt_scores(model, processor, dataset, prompt_set)
    labels, annotated = label_matrix(dataset, "rhythm")
    assert annotated.all()
    shuffled = labels[np.random.default_rng(0).permutation(len(labels))]
    names = list(prompt_set.classes)
    evaluation = bootstrap_evaluation(shuffled, scores, dataset["patient_id"], names, replicates=200)
    assert evaluation.macro["auroc"].low <= 0.5 <= evaluation.macro["auroc"].high
    assert len(per_class_metrics(labels, scores, names)) == 2


def test_texts_that_a_model_gives_nan_for_are_reported(processor):
    model = tiny.dual_encoder()
    with torch.no_grad():
        model.text_projection.output.bias[0] = float("nan")
    with pytest.raises(ValueError, match="NaN or infinite values in 2 of 2 texts"):
        ecg_text_embeddings(model, processor, ["one", "two"])
