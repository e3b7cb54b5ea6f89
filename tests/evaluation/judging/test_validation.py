import numpy as np
import pytest
import torch

from hf_ecg import ECGContrastiveConfig, ECGForContrastivePreTraining
from hf_ecg.data.collators import ECGClassificationCollator, ECGContrastiveCollator, ECGTextCollator
from hf_ecg.data.corpus import label_matrix, label_names
from hf_ecg.evaluation.judging.asked_texts import TrainedTexts
from hf_ecg.evaluation.judging.label_text import prompt_scores
from hf_ecg.evaluation.judging.loss_validation import loss_batches
from hf_ecg.evaluation.judging.validation import build_validation, task_labels
from hf_ecg.evaluation.metrics.classification import macro_metrics, per_class_metrics
from tests.evaluation import tiny


@pytest.fixture(scope="module")
def dataset():
    return tiny.dataset(120)


@pytest.fixture(scope="module")
def prompts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prompts")
    return [str(tiny.save_prompts(folder / f"tiny_{name}.yaml", name)) for name in tiny.LABEL_SETS]


def test_label_text_is_the_macro_of_the_annotated_rows(dataset, prompts):
    from hf_ecg.clinical.prompts import load_prompts

    processor = tiny.processor()
    model = tiny.dual_encoder()
    spec = {"name": "label_text", "prompts": prompts, "metric": "macro_auroc", "greater_is_better": True}
    validate = build_validation(spec | {"batch_size": None, "label_sets": None}, processor, dataset)
    metrics = validate(model)
    assert metrics["macro_auroc"] == pytest.approx(
        (metrics["macro_auroc/tiny_rhythm"] + metrics["macro_auroc/tiny_form"]) / 2
    )
    labels, annotated = label_matrix(dataset, "form")
    assert 0 < annotated.sum() < len(dataset)
    rows = np.flatnonzero(annotated)
    scores = prompt_scores(model, processor, dataset.select(rows), load_prompts(prompts[1]))
    expected = macro_metrics(per_class_metrics(labels[rows], scores, ["PVC"]))
    assert metrics["macro_auroc/tiny_form"] == pytest.approx(expected["macro_auroc"], abs=1e-3)
    assert metrics["macro_auprc/tiny_form"] == pytest.approx(expected["macro_auprc"], abs=1e-3)
    assert validate(model) == metrics
    assert validate(tiny.dual_encoder(seed=1)) != metrics


def test_the_choice_is_made_by_the_prompts_that_the_model_is_judged_by(dataset, tmp_path):
    classes = {"AFIB": ["atrial fibrillation", "ventricular premature complex"], "SR": ["sinus rhythm"]}
    whole, trained = (
        str(tiny.save_prompts(tmp_path / f"{name}.yaml", aggregate="mean", classes=one))
        for name, one in (("all", classes), ("known", classes | {"AFIB": ["atrial fibrillation"]}))
    )
    texts, model = TrainedTexts(["atrial fibrillation", "sinus rhythm"]), tiny.dual_encoder(seed=3)

    def figure(prompts, trained) -> float:
        spec = {"name": "label_text", "prompts": [prompts]}
        return build_validation(spec, tiny.processor(), dataset, trained=trained)(model)["macro_auroc"]

    assert figure(whole, texts) == figure(trained, TrainedTexts(None)) != figure(whole, TrainedTexts(None))


def test_validation_leaves_model_and_generator_alone(dataset, prompts):
    model = tiny.dual_encoder().train()
    model.text_model.eval()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    validate = build_validation({"name": "label_text", "prompts": prompts}, tiny.processor(), dataset)
    state = torch.get_rng_state()
    validate(model)
    assert torch.equal(state, torch.get_rng_state())
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


@pytest.mark.parametrize("several", [False, True])
def test_classification_matches_labels_by_name(dataset, several):
    label_sets = ["rhythm", "form"] if several else ["rhythm"]
    labels = ["form: PVC", "rhythm: SR", "rhythm: AFIB"] if several else ["SR", "AFIB"]
    spec = {"name": "classification", "label_sets": label_sets}
    metrics = build_validation(spec, tiny.feature_extractor(), dataset)(tiny.classifier(labels))
    assert {f"macro_auroc/{name}" for name in label_sets} <= set(metrics)
    assert all(0 <= value <= 1 for value in metrics.values())
    with pytest.raises(ValueError, match="no output for"):
        build_validation(spec, tiny.feature_extractor(), dataset)(tiny.classifier(["LABEL_0", "SR"]))


def test_loss_of_a_dual_encoder_is_the_loss_of_its_batches(dataset):
    model, processor = tiny.dual_encoder(), tiny.processor()
    rows = dataset.select(range(8))
    spec = {"name": "loss", "batch_size": 8}
    with pytest.raises(ValueError, match="needs a collator"):
        build_validation(spec, processor, rows)
    loss = build_validation(spec, processor, rows, make_collator=lambda: ECGTextCollator(processor))(model)["loss"]
    batch = processor(ecg=rows.to_list(), text=list(rows["text"]), padding=True, return_tensors="pt")
    with torch.no_grad():
        assert loss == pytest.approx(model(**batch, return_loss=True).loss.item(), rel=1e-4)


def test_loss_of_a_classifier(dataset):
    model = tiny.classifier(["AFIB", "SR"])
    extractor, names = tiny.feature_extractor(), {"rhythm": label_names(dataset, "rhythm")}
    small, whole = (
        build_validation(
            {"name": "loss", "batch_size": size},
            extractor,
            dataset,
            make_collator=lambda: ECGClassificationCollator(extractor, ["rhythm"], names),
        )(model)
        for size in (7, 64)
    )
    assert small["loss"] == pytest.approx(whole["loss"], rel=1e-4)


@pytest.mark.parametrize("num_records", [16, 19, 7, 13, 1])
@pytest.mark.parametrize("world_size", [1, 2, 3])
def test_processes_share_each_batch_of_a_single_one(num_records, world_size):
    shares = [loss_batches(num_records, 6, rank, world_size) for rank in range(world_size)]
    together = [sum(map(list, parts), []) for parts in zip(*shares, strict=True)]
    stop = num_records - num_records % world_size
    assert sum(together, []) == list(range(stop))
    assert len({tuple(map(len, share)) for share in shares}) == 1
    assert all(len(batch) == 6 for batch in together[:-2]) and all(len(batch) > 1 for batch in together if stop > 1)


def test_a_last_row_of_a_contrastive_loss_is_not_left_alone(dataset):
    extractor = tiny.feature_extractor()
    views = [{"name": "gaussian_noise", "rms": 0.1}]
    collator = ECGContrastiveCollator(extractor, views, risk_column="age")
    model = ECGForContrastivePreTraining(ECGContrastiveConfig(ecg_config=tiny.dual_encoder().config.ecg_config))
    spec = {"name": "loss", "batch_size": 8}
    few = build_validation(spec, extractor, dataset.select(range(9)), make_collator=lambda: collator)
    assert np.isfinite(few(model)["loss"])
    seen = []
    for rank in range(2):

        def watched(rows):
            seen.extend((row["record_index"], row["record_id"]) for row in rows)
            return collator(rows)

        watched.columns = collator.columns + ["record_id"]
        share = {"make_collator": lambda made=watched: made, "rank": rank, "world_size": 2}
        build_validation(spec, extractor, dataset, **share)(model)
    # a record's views are drawn by its place: it has the same one on every process
    assert sorted(seen) == list(enumerate(dataset["record_id"][:]))


def test_bad_specifications(dataset, prompts):
    processor = tiny.processor()
    for spec, message in [
        ({"name": "labeltext"}, "validation name is 'labeltext'"),
        ({}, "validation name is None"),
        ({"name": "label_text"}, "needs prompts"),
        ({"name": "classification"}, "needs label_sets"),
        ({"name": "label_text", "prompts": prompts, "promts": 1}, r"does not know \['promts'\]"),
    ]:
        with pytest.raises(ValueError, match=message):
            build_validation(spec, processor, dataset)


def test_rows_without_enough_positives_are_refused_before_training(dataset, prompts):
    spec = {"name": "label_text", "prompts": prompts}
    with pytest.raises(ValueError, match="no class has at least 10 positives"):
        build_validation(spec, tiny.processor(), dataset.select(range(12)))
    build_validation(spec | {"minimum": 1}, tiny.processor(), dataset.select(range(12)))
    with pytest.raises(ValueError, match="has no rows"):
        build_validation(spec, tiny.processor(), dataset.select([]))


def test_classes_are_found_by_name_and_must_be_there(dataset):
    labels, rows = task_labels(dataset, "rhythm", ["SR", "AFIB"], 1, "here")
    matrix, _ = label_matrix(dataset, "rhythm")
    assert np.array_equal(labels, matrix[:, ::-1]) and len(rows) == len(dataset)
    table = dataset.to_dict()
    table["rhythm"][:5] = [None] * 5
    partly = type(dataset).from_dict(table, features=dataset.features)
    labels, rows = task_labels(partly, "rhythm", ["SR"], 1, "here")
    assert rows.tolist() == list(range(5, len(dataset))) and len(labels) == len(rows)
    labels, rows = task_labels(partly, "rhythm", ["SR"], 1, "here", unannotated="negative")
    assert rows.tolist() == list(range(len(dataset))) and not labels[:5].any()
    with pytest.raises(ValueError, match=r"has no \['VT'\]; it has \['AFIB', 'SR'\]"):
        task_labels(dataset, "rhythm", ["VT"], 1, "here")


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"metric": "auroc"}, "metric is 'auroc', .* measures .'macro_auroc', 'macro_auprc', 'macro_auroc/rhythm'"),
        ({"metric": "macro_auroc/form"}, "metric is 'macro_auroc/form'"),
        ({"metric": "macro_auprc", "greater_is_better": False}, "greater_is_better is False"),
    ],
)
def test_a_choice_that_would_keep_the_wrong_weights_is_refused(dataset, choice, message):
    spec = {"name": "classification", "label_sets": ["rhythm"]}
    with pytest.raises(ValueError, match=message):
        build_validation(spec | choice, tiny.processor().feature_extractor, dataset)
