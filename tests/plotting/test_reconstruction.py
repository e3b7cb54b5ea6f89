"""Reconstructed leads are drawn in another colour, and over the measured ones."""

import pytest

pytest.importorskip("matplotlib", reason='figures need the extra "plot"')

from hf_ecg.plotting import plot_ecg
from hf_ecg.plotting.ecg import INK, MADE
from hf_ecg.plotting.reconstruction import plot_reconstruction
from hf_ecg.signals import STANDARD_LEADS, Record
from hf_ecg.signals.channels import take_channels
from tests.plotting.made import ecg, label, line


def record(reconstructed=(), values=None):
    values = ecg() if values is None else values
    return Record("r", values, None, None, STANDARD_LEADS, 100, ["measured: I, II"], reconstructed=reconstructed)


def test_what_a_model_made_is_blue_and_says_so():
    figure = plot_ecg(record(("V1", "V2")))
    colours = {lead: line(figure, f"trace-{lead}").get_color() for lead in ("I", "V1", "V2", "V3")}
    assert colours == {"I": INK, "V1": MADE, "V2": MADE, "V3": INK}
    assert label(figure, "label-V1") == "V1 reconstructed" and label(figure, "label-V3") == "V3"


def test_the_mark_goes_with_its_lead():
    one = record(("V1", "v2"))
    assert one.reconstructed == ("V1", "V2") and one.cut(0, 100).reconstructed == ("V1", "V2")
    assert take_channels(one, ["I", "V2"]).reconstructed == ("V2",)


def test_reconstructed_leads_are_drawn_over_the_measured():
    figure = plot_reconstruction(record(("V1", "V6"), 2 * ecg()), record())
    assert [axes.get_title(loc="left")[:2] for axes in figure.axes] == ["V1", "V6"]
    assert "not measurements" in figure.get_suptitle() and "measured: I, II" in figure.get_suptitle()
    assert [one.get_color() for one in figure.axes[0].lines] == [INK, MADE]
    with pytest.raises(ValueError, match="nothing to compare"):
        plot_reconstruction(record(), record())
    with pytest.raises(ValueError, match="rate and samples"):
        plot_reconstruction(record(("V1",)), record(values=ecg()[:, 1:]))
