import pytest

from hf_ecg.evaluation.judging.retrieval import Hit
from hf_ecg.plotting import plot_retrieval, save_figure
from tests.evaluation import tiny

pytest.importorskip("matplotlib")


def test_query_and_hits_are_drawn_with_their_words(tmp_path):
    rows = {row["record_id"]: row | {"signal": row["signal"]} for row in tiny.rows(3)}
    hits = [Hit("sinus rhythm", 0.9, 0.25, "r1", "p0", 2), Hit("atrial $fibrillation", 0.5, None, "r2", "p1", 1)]
    figure = plot_retrieval("what is this", hits, rows, query_ecg=rows["r0"])
    words = [text.get_text().replace("\n", " ") for text in figure.texts]
    assert words[0] == "Query: what is this"
    assert words[1].startswith("1. record r1, patient p0, probability 0.25, cosine 0.900: sinus rhythm (2 records")
    assert "probability" not in words[2] and len(figure.axes) == 3
    assert save_figure(figure, tmp_path / "found.svg").stat().st_size > 10_000
    texts = plot_retrieval("r0", [Hit("sinus rhythm", 0.9, 0.25, None, None, 2)], {}, query_ecg=rows["r0"])
    assert len(texts.axes) == 1
    with pytest.raises(ValueError, match=r"ECGs of the hits \['r1', 'r2'\] are not given"):
        plot_retrieval("x", hits, {})
    with pytest.raises(ValueError, match="no hits"):
        plot_retrieval("x", [], {})
