"""BLEU and ROUGE-L against values worked out by hand."""

import math

import numpy as np
import pytest

from hf_ecg.evaluation.metrics.bootstrap import patient_weights
from hf_ecg.evaluation.metrics.figures import bootstrap_figures
from hf_ecg.evaluation.metrics.report_figures import count_reports, report_figures
from hf_ecg.evaluation.metrics.text_overlap import bleu, bleu_counts, rouge_l

# the example of the BLEU paper: "the" counts as often as it stands in the reference, twice of seven
THE = "the the the the the the the"
CAT = "The cat is on the mat."


def test_an_ngram_counts_as_often_as_the_reference_has_it():
    counts = bleu_counts([THE], [CAT])
    assert counts.tolist() == [[2, 0, 0, 0, 7, 6, 5, 4, 7, 6]]
    assert bleu(counts[0]).tolist() == [pytest.approx(2 / 7), 0, 0, 0]


def test_bleu_by_hand():
    # words a b c d e against a b x d e f: 4 of 5 words agree, "a b" and "d e" of 4 pairs, no triple
    counts = bleu_counts(["a b c d e", "sinus rhythm normal ECG"], ["a b x d e f", "Sinus rhythm, normal ECG."])
    assert counts[0].tolist() == [4, 2, 0, 0, 5, 4, 3, 2, 5, 6]
    brevity = math.exp(1 - 6 / 5)
    assert bleu(counts[0])[:3].tolist() == pytest.approx([0.8 * brevity, math.sqrt(0.8 * 0.5) * brevity, 0])
    assert bleu(counts[1]).tolist() == [1, 1, 1, 1]
    # of the corpus: 8 of 9 words, 5 of 7 pairs, 2 of 5 triples, 1 of 3 fours, 9 words for 10
    shares, brevity = [8 / 9, 5 / 7, 2 / 5, 1 / 3], math.exp(1 - 10 / 9)
    wanted = [math.prod(shares[:n]) ** (1 / n) * brevity for n in range(1, 5)]
    assert bleu(counts.sum(axis=0)).tolist() == pytest.approx(wanted)


def test_nothing_written_and_longer_texts():
    assert bleu(bleu_counts([""], ["sinus rhythm"])[0]).tolist() == [0, 0, 0, 0]
    # too many words are not punished twice
    assert bleu(bleu_counts(["a b c d"], ["a b"])[0])[0] == pytest.approx(0.5)


@pytest.mark.parametrize(
    "written, reference, value",
    [
        ("police kill the gunman", "police killed the gunman", 3 / 4),  # Lin's example
        ("the gunman kill police", "police killed the gunman", 2 / 4),
        ("sinus rhythm", "sinus tachycardia rhythm left axis", 2 * 2 / (2 + 5)),
        ("", "sinus rhythm", 0),
        ("", "", 0),
    ],
)
def test_rouge_l_by_hand(written, reference, value):
    assert rouge_l([written], [reference])[0] == pytest.approx(value)


def test_as_many_texts_as_references():
    with pytest.raises(ValueError, match="1 written texts and 2 references"):
        rouge_l(["a"], ["a", "b"])


WRITTEN = ["sinus rhythm. left bundle branch block", "sinus rhythm", "atrial fibrillation", "sinus rhythm"]
TRUE = ["sinus rhythm. normal ECG", "Sinusrhythmus", "nothing that anybody reads", "atrial flutter. no sinus rhythm"]


def test_statements_named_and_true_by_hand():
    counts = count_reports(WRITTEN, TRUE)
    # the third true report makes no statement, the fourth denies one
    assert counts.statements.tolist() == [[2, 2, 1], [1, 1, 1], [0, 0, 0], [1, 1, 0]] and counts.read == 3
    figures = report_figures(counts, np.array([[1.0, 1, 1, 1], [0, 0, 2, 0], [0, 3, 0, 1]]))
    np.testing.assert_allclose(figures["true_named"], [2 / 4, np.nan, 3 / 4])
    np.testing.assert_allclose(figures["named_true"], [2 / 4, np.nan, 3 / 4])
    np.testing.assert_allclose(figures["statements_f1"], [2 * 2 / (4 + 4), np.nan, 2 * 3 / (4 + 4)])
    np.testing.assert_allclose(figures["words"], [(6 + 2 + 2 + 2) / 4, 2, 2])


def test_a_replicate_is_the_corpus_of_the_drawn_patients():
    patients = ["a", "b", "b", "c"]
    counts = count_reports(WRITTEN, TRUE)
    made = bootstrap_figures(lambda weights: report_figures(counts, weights), patients, replicates=20, seed=3)
    weights = patient_weights(3, 20, np.random.default_rng([3, 0]))[:, [0, 1, 1, 2]]
    for number, row in enumerate(weights.astype(int)):
        drawn = [place for place, times in enumerate(row) for _ in range(times)]
        again = count_reports([WRITTEN[place] for place in drawn], [TRUE[place] for place in drawn])
        alone = report_figures(again, np.ones((1, len(drawn))))
        for name, (_, values) in made.samples.items():
            np.testing.assert_allclose(values[number], alone[name][0], err_msg=name)
