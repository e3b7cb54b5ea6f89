"""A choice of the epoch or of a threshold does not depend on the labels of held-out statements."""

import logging

import datasets
import numpy as np
import pytest

from hf_ecg.clinical.waveform_features import WAVEFORM_FEATURES
from hf_ecg.data.schema import row_features
from hf_ecg.enrichment.verification.positives import implied_features
from hf_ecg.evaluation.judging import held_out
from hf_ecg.evaluation.judging.held_out import held_out_classes
from hf_ecg.evaluation.judging.validation import build_validation
from tests.evaluation import tiny

SETS = {"all": ["AFIB", "SR", "PVC", "CLBBB"], "rhythm": ["AFIB", "SR"], "superdiagnostic": ["CD", "NORM"]}


def gathered(number=120):
    """Statements, and a class that gathers one of them: every row with CLBBB has CD, which others have too."""
    made = []
    for index, row in enumerate(tiny.rows(number)):
        rhythm, pvc, bundle = row["rhythm"][0], index % 3 == 0, index % 5 == 0
        codes = [rhythm, *[2] * pvc, *[3] * bundle]
        made.append(row | {"all": codes, "superdiagnostic": [0] if bundle or index % 4 == 0 else [1]})
    features = row_features(len(tiny.LEADS), tiny.SAMPLES, SETS)
    return datasets.Dataset.from_dict({key: [row.get(key) for row in made] for key in features}, features=features)


@pytest.fixture(scope="module")
def rows():
    return gathered()


@pytest.fixture(scope="module")
def prompts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prompts")
    classes = {"CD": ["conduction disturbance"], "NORM": ["normal"]}
    return [
        str(tiny.save_prompts(folder / "rhythms.yaml", "rhythm")),
        str(tiny.save_prompts(folder / "gathered.yaml", "superdiagnostic", classes=classes)),
    ]


def choice(rows, prompts, held_out, **spec):
    spec = {"name": "label_text", "prompts": prompts} | spec
    return build_validation(spec, tiny.processor(), rows, held_out=held_out)


@pytest.mark.parametrize(
    ("label_set", "held_out", "classes"),
    [
        ("rhythm", ["AFIB"], ["AFIB"]),
        ("superdiagnostic", ["CLBBB"], ["CD"]),
        ("superdiagnostic", ["PVC"], []),
        ("superdiagnostic", ["unknown"], []),
        ("all", ["CLBBB", "PVC"], ["PVC", "CLBBB"]),
    ],
)
def test_classes_that_are_held_out_or_gather_what_is(rows, label_set, held_out, classes):
    assert held_out_classes(rows, label_set, held_out) == classes


def relabelled(rows, label_set, class_index):
    """The same rows, those with a class and those without exchanged."""
    table = rows.to_dict()
    for labels in table[label_set]:
        labels[:] = [x for x in labels if x != class_index] if class_index in labels else [*labels, class_index]
    return datasets.Dataset.from_dict(table, features=rows.features)


def test_the_choice_is_the_same_whatever_the_held_out_labels_are(rows, prompts, caplog):
    model, other = tiny.dual_encoder(), relabelled(rows, "rhythm", 0)
    with caplog.at_level(logging.WARNING):
        metrics = choice(rows, prompts, ["AFIB"])(model)
    assert "leaves out AFIB of rhythms: the training texts hold out AFIB" in caplog.text
    assert choice(other, prompts, ["AFIB"])(model) == metrics
    assert choice(other, prompts, [])(model) != choice(rows, prompts, [])(model)
    own = choice(rows, prompts, [])(model)
    assert metrics["macro_auroc/gathered"] == pytest.approx(own["macro_auroc/gathered"])
    assert metrics["macro_auroc/rhythms"] != pytest.approx(own["macro_auroc/rhythms"], abs=1e-9)


def test_a_prompt_set_without_another_class_is_left_out_and_all_of_them_are_refused(rows, prompts, caplog):
    assert "macro_auroc/rhythms" not in choice(rows, prompts, ["AFIB", "SR"])(tiny.dual_encoder())
    assert "AFIB, SR of rhythms (all of it)" in caplog.text
    with pytest.raises(ValueError, match="'macro_auroc/rhythms', all of whose classes the training texts hold out"):
        choice(rows, prompts, ["AFIB", "SR"], metric="macro_auroc/rhythms")
    with pytest.raises(ValueError, match="every class of rhythms tells of statements .*AFIB, SR.*validation: null"):
        choice(rows, prompts[:1], ["AFIB", "SR"])


def test_thresholds_of_a_verifier_do_not_rest_on_held_out_statements(rows):
    features = list(dict.fromkeys(row.feature for row in WAVEFORM_FEATURES if row.code == "AFIB"))
    required = implied_features(rows, features)
    assert required.any()
    assert not implied_features(rows, features, held_out=["AFIB"]).any()
    others = implied_features(relabelled(rows, "all", 0), features, held_out=["AFIB"])
    assert np.array_equal(others, implied_features(rows, features, held_out=["AFIB"]))


def test_a_statement_that_no_label_set_knows_is_said(rows, caplog):
    """Whether a class gathers it cannot be told, and the choice rests on all of them."""
    held_out.logger.warning_once.cache_clear()
    alone = rows.remove_columns(["all", "rhythm"])
    assert held_out_classes(alone, "superdiagnostic", ["CLBBB"]) == []
    assert "whether a class of superdiagnostic gathers CLBBB cannot be told" in caplog.text
