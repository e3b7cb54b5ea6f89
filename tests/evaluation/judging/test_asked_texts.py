import json
import logging

import numpy as np
import pytest

from hf_ecg.clinical.prompts import PromptSet
from hf_ecg.evaluation.judging.asked_texts import TrainedTexts, asked_texts, log_dropped
from hf_ecg.evaluation.judging.label_text import TextEmbeddings, scores_by_text, standardized
from hf_ecg.evaluation.options import AskingOptions
from hf_ecg.evaluation.protocol import read_training_facts
from hf_ecg.evaluation.reports.evaluation_report import asked_lines
from tests.evaluation import tiny

PR, P = "prolonged PR interval (over 200 ms)", "P wave before every QRS complex"
BLOCK, SINUS, RARE = "first degree AV block", "sinus rhythm", "subendocardial injury in inferior leads"


def prompt_set(classes: dict, label_set: str = "all", **values) -> PromptSet:
    return PromptSet("made", label_set, "en", "max", "tests", classes, **values)


def test_what_training_texts_hold():
    texts = TrainedTexts(["Possible left atrial overload/enlargement. sinus rhythm", "ST depression in lead V5"])
    assert texts.known and not TrainedTexts(None).known
    for text in ("left atrial overload", "Sinus Rhythm", "ST depression", "ST depression in lead V5"):
        assert texts.holds(text)
    for text in ("left atrial over", "ST depression in lead V", "us rhythm", "rhythm ST", "atrial fibrillation"):
        assert not texts.holds(text)
    assert TrainedTexts(None).holds("anything") and not TrainedTexts([]).holds("anything")


def test_prompts_that_were_not_trained_are_left_out_of_a_class_that_has_others(caplog):
    prompts = prompt_set({"MI": ["inferior myocardial infarction", RARE], "AFIB": ["atrial fibrillation"]})
    trained = TrainedTexts(["inferior myocardial infarction. sinus rhythm"])
    asked = asked_texts(prompts, trained)
    assert asked.classes["MI"].prompts == (("inferior myocardial infarction",),)
    assert asked.classes["AFIB"].prompts == (("atrial fibrillation",),)
    assert asked.dropped == {"MI": [RARE]} and asked.not_trained == ("AFIB",)
    logging.getLogger("hf_ecg").propagate = True
    log_dropped([asked])
    assert [record.getMessage() for record in caplog.records] == [
        f"made: prompts that no training text of the model holds are left out (MI: {RARE})"
    ]
    for kept in (asked_texts(prompts, trained, all_prompts=True), asked_texts(prompts)):
        assert [len(one.prompts) for one in kept.classes.values()] == [2, 1]
        assert not kept.dropped and not kept.not_trained
    assert asked.known and not asked_texts(prompts).known


def test_features_that_were_not_trained_are_left_out_of_a_description():
    prompts = prompt_set({"1AVB": [BLOCK], "SEHYP": ["septal hypertrophy"]})
    (one,) = asked_texts(prompts).classes["1AVB"].descriptions
    assert one.features == ((PR, 1.0), (P, 1.0))
    asked = asked_texts(prompts, TrainedTexts([BLOCK, PR, "septal hypertrophy"]))
    assert asked.classes["1AVB"].descriptions[0].features == ((PR, 1.0),)
    assert asked.dropped == {"1AVB": [P]} and asked.not_described == ("SEHYP",)
    # none was trained: all are asked, as of a model that never read features, and the report says so
    silent = asked_texts(prompts, TrainedTexts([BLOCK]))
    assert silent.classes["1AVB"].descriptions[0] == one
    assert silent.not_told == ("1AVB",) and not asked.not_told and not asked_texts(prompts).not_told
    assert "Described by features that are not in any training text: 1AVB." in asked_lines(
        silent.facts(["descriptions"])
    )


def test_leads_are_asked_where_training_texts_name_them():
    prompts = prompt_set({"STD_": ["ST depression"], "SR": [SINUS]})
    asked = asked_texts(prompts, TrainedTexts(["ST depression in lead V5", "ST depression", SINUS]), ensemble=True)
    assert asked.classes["STD_"].prompts == (("ST depression", "ST depression in lead V5"),)
    assert asked.classes["SR"].prompts == ((SINUS,),)
    assert [len(one.prompts[0]) for one in asked_texts(prompts, ensemble=True).classes.values()] == [13, 13]


class Drawn(TextEmbeddings):
    """Texts whose cosine with each record is given."""

    def __init__(self, cosines: dict[str, list[float]]):
        super().__init__(tiny.dual_encoder(loss_type="sigmoid"), None)
        self.cosines = cosines

    def __call__(self, texts):
        return np.array([self.cosines[text] for text in texts], dtype=np.float32)


def z(values) -> np.ndarray:
    values = np.array(values, dtype=float)
    return (values - values.mean()) / values.std()


def test_scores_by_names_by_descriptions_and_by_both():
    prompts = prompt_set(
        {"1AVB": [BLOCK], "SEHYP": ["septal hypertrophy"], "X": ["x"]}, statements={"X": ["LPR", "SR"]}
    )
    upright, regular = "upright P waves in leads I and II", "regular RR intervals"
    rate = "heart rate between 60 and 100 beats per minute"
    cosines = {BLOCK: [0.5, 0.1, 0.0], "septal hypertrophy": [0.2, 0.3, 0.7], "x": [0.0, 0.25, 0.5]}
    cosines |= {PR: [0.5, 0.25, 0.0], P: [0.0, 0.25, 0.5], upright: [1.0, 0.0, 0.0]}
    cosines |= {regular: [0.0, 0.5, 0.0], rate: [0.0, 0.0, 0.5]}
    scores = scores_by_text(Drawn(cosines), np.eye(3, dtype=np.float32), asked_texts(prompts))
    assert scores["names"] == pytest.approx(np.array([cosines[BLOCK], cosines["septal hypertrophy"], cosines["x"]]).T)
    sinus = (np.array(cosines[P]) + cosines[upright] + 0.5 * (np.array(cosines[regular]) + cosines[rate])) / 3
    described = [(np.array(cosines[PR]) + cosines[P]) / 2, cosines["septal hypertrophy"]]
    described.append(np.maximum(z(cosines[PR]), z(sinus)))  # statements are compared by their z-scores
    assert scores["descriptions"] == pytest.approx(np.array(described).T, abs=1e-7)
    both = [z(scores["names"][:, 0]), 2 * z(cosines["septal hypertrophy"]), z(cosines["x"]) + z(described[2])]
    assert scores["names_and_descriptions"] == pytest.approx(np.array(both).T, abs=1e-6)
    one = scores_by_text(Drawn(cosines), np.eye(3, dtype=np.float32), asked_texts(prompts), ["names"])
    assert list(one) == ["names"]


def test_probabilities_are_added_as_log_odds():
    prompts = PromptSet("made", "all", "en", "noisy_or", "tests", {"LPR": ["long PR"]})
    texts = Drawn({"long PR": [0.9, 0.1, -0.9], PR: [0.0, 0.2, 0.1]})
    scores = scores_by_text(texts, np.eye(3, dtype=np.float32), asked_texts(prompts))
    # one prompt: its log-odds are scale * cosine + bias
    assert scores["names_and_descriptions"][:, 0] == pytest.approx(z([0.9, 0.1, -0.9]) + z([0.0, 0.2, 0.1]), abs=1e-4)


def test_a_name_never_trained_on_counts_as_far_as_it_agrees_with_the_description():
    prompts = prompt_set({"LPR": ["long PR"], "1AVB": [BLOCK]})
    cosines = {"long PR": [0.3, 0.1, 0.0], BLOCK: [0.0, 0.1, 0.3], PR: [0.3, 0.0, 0.1], P: [0.3, 0.0, 0.1]}
    asked = asked_texts(prompts, TrainedTexts([PR, P]))
    assert asked.not_trained == ("LPR", "1AVB")
    scores = scores_by_text(Drawn(cosines), np.eye(3, dtype=np.float32), asked)["names_and_descriptions"]
    agreement = np.corrcoef(cosines["long PR"], cosines[PR])[0, 1]
    assert scores[:, 0] == pytest.approx(agreement * z(cosines["long PR"]) + z(cosines[PR]), abs=1e-6)
    assert np.corrcoef(cosines[BLOCK], cosines[PR])[0, 1] < 0
    assert scores[:, 1] == pytest.approx(z(cosines[PR]), abs=1e-6)
    # a name that was trained on is as good as a description
    trained = asked_texts(prompts, TrainedTexts([PR, P, "long PR"]))
    scores = scores_by_text(Drawn(cosines), np.eye(3, dtype=np.float32), trained)["names_and_descriptions"]
    assert scores[:, 0] == pytest.approx(z(cosines["long PR"]) + z(cosines[PR]), abs=1e-6)


def test_what_is_the_same_everywhere_says_nothing():
    assert standardized(np.array([[1.0, 2.0], [1.0, 4.0]])).tolist() == [[0, -1], [0, 1]]
    # the deviation of these is 1e-17, and the z-score of each would be 1
    assert np.full(7, 0.1).std() > 0 and standardized(np.full(7, 0.1)).tolist() == [0] * 7
    assert np.isnan(standardized(np.array([1.0, np.nan]))).all()


def test_bad_ways_to_ask(tmp_path):
    asked = asked_texts(prompt_set({"SR": [SINUS]}))
    with pytest.raises(ValueError, match=r"by is \['name'\], wanted one or more of"):
        scores_by_text(Drawn({}), np.eye(3, dtype=np.float32), asked, ["name"])
    with pytest.raises(ValueError, match=r"by is \[\], wanted one or more of"):
        AskingOptions(by=())
    with pytest.raises(ValueError, match="each once"):
        AskingOptions(by=("names", "names"))
    (tmp_path / "training_facts.json").write_text(json.dumps({"trained_texts": "sinus rhythm"}))
    with pytest.raises(ValueError, match="trained_texts is 'sinus rhythm', wanted a list of str"):
        read_training_facts(tmp_path)
