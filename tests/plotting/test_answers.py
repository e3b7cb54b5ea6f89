import pytest

from hf_ecg.plotting import plot_answers, save_figure
from tests.evaluation import tiny

pytest.importorskip("matplotlib")


def test_answers_stand_under_the_ecg_the_highest_first(tmp_path):
    answers = [
        {"class": "AFIB", "cosine": 0.9, "probability": 0.25},
        {"label": "sinus $rhythm", "cosine": 0.3, "probability": 0.75},
        {"class": "LVH", "cosine": -0.5, "probability": 0.0},
    ]
    figure = plot_answers(tiny.rows(1)[0], answers, note="a toy")
    words = [text.get_text() for text in figure.axes[1].texts]
    assert words == ["sinus $rhythm", "0.75", "AFIB", "0.25", "LVH", "0.00", "a toy", "Bars: probability."]
    widths = [bar.get_width() for bar in figure.axes[1].patches]
    assert widths[0] == pytest.approx(3 * widths[1]) and widths[2] == 0
    assert save_figure(figure, tmp_path / "answers.svg").stat().st_size > 10_000
    few = plot_answers(tiny.rows(1)[0], answers, most=1).axes[1]
    assert len(few.patches) == 1 and few.texts[-1].get_text() == "Bars: probability, the highest 1 of 3."
    # of another kind, since one of them has no probability
    cosines = plot_answers(tiny.rows(1)[0], [answers[0], {"class": "LVH", "cosine": -0.5, "probability": None}]).axes[
        1
    ]
    assert [text.get_text() for text in cosines.texts] == ["AFIB", "0.90", "LVH", "-0.50", "Bars: cosine."]


def test_a_long_note_stays_inside_the_picture():
    figure = plot_answers(tiny.rows(1)[0], [{"class": "AFIB", "score": 0.5}], note="The model learned from few. " * 12)
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[1].texts]
    assert all(0 <= box.x0 and box.x1 <= figure.bbox.width and box.y0 >= 0 for box in boxes)
    assert not any(one.overlaps(other) for place, one in enumerate(boxes) for other in boxes[:place])


@pytest.mark.parametrize(
    ("answers", "message"), [([], "no answers"), ([{"class": "AFIB"}], "wanted class or label, and for all")]
)
def test_answers_without_numbers_are_refused(answers, message):
    with pytest.raises(ValueError, match=message):
        plot_answers(tiny.rows(1)[0], answers)
