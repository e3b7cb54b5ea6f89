"""Heartbeats as a model reads them: its tokens on the ECG, a record as a sentence of words, and the vocabulary."""

from collections.abc import Sequence

import numpy as np

from ..signals.leads import canonical_leads
from ._figure import new_figure
from .ecg import ecg_sheet

_BEAT, _WORD = "#1f5fa8", "#a01818"
_CELL_MM, _GAP_MM, _HEADER_MM = 28.0, 5.0, 9.0


def plot_beats(
    signals,
    positions,
    beat_leads: Sequence[str],
    labels: Sequence | None = None,
    *,
    position_rate: float,
    sampling_rate: float | None = None,
    leads: Sequence[str] | None = None,
    units: str | None = None,
    show: Sequence[str] | None = None,
    title: str | None = None,
    **paper,
):
    """Draw one record on ECG paper, with a mark at the R peak of each beat token.

    Args:
        signals, sampling_rate, leads, units: one record, as `plot_ecg` takes it.
        positions: (beats,), the samples of the R peaks, as `token_positions` or `peak_samples` of one record;
            negative ones are left out.
        beat_leads: (beats,), the name of each beat's lead.
        labels: (beats,), what is printed above each mark; None: nothing.
        position_rate: hertz that the positions are counted at: that of the model's feature extractor.
        show: the leads to draw, a row each; default II, or the first one.
        title: printed above; default the record's name.
        paper: `start`, `seconds`, `speed`, `gain`, `width`, as of `plot_ecg`.

    Returns:
        A matplotlib `Figure` with one axes in millimetres.

    Raises:
        ValueError: what `plot_ecg` refuses, or another number of leads or labels than positions.

    Example:
        >>> from hf_ecg.plotting import plot_beats
        >>> figure = plot_beats("record.hea", [100, 180], ["II", "II"], ["a", "b"], position_rate=100)
    """
    positions = np.asarray(positions)
    for name, values in (("beat_leads", beat_leads), ("labels", labels)):
        if values is not None and len(values) != len(positions):
            raise ValueError(f"{name} are {len(values)}, wanted one for each of {len(positions)} positions")
    if show is None:
        named = list(dict.fromkeys(beat_leads))
        show = ["II"] if "II" in named or not named else named[:1]
    shown = canonical_leads([show] if isinstance(show, str) else show)
    sheet = ecg_sheet(signals, sampling_rate, leads, units, show=shown, columns=1, rhythm=None, **paper)
    figure = new_figure(sheet.width * sheet.scale, sheet.height * sheet.scale)
    axes = figure.add_axes((0, 0, 1, 1))
    sheet.draw(axes, sheet.window.name if title is None else title)
    texts = [None] * len(positions) if labels is None else list(labels)
    for position, lead, text in zip(positions.tolist(), beat_leads, texts, strict=True):
        seconds = position / position_rate - sheet.window.start
        if position >= 0 and lead in shown and 0 <= seconds <= sheet.window.seconds:
            _mark(axes, sheet, shown.index(lead), seconds, text)
    return figure


def plot_sentence(record, model, feature_extractor, *, show: Sequence[str] | None = None, **options):
    """A record as the sentence that a vocabulary of heartbeats reads: the number of its word above each beat.

    Args:
        record: a WFDB path, a `Record` or a row of a corpus, no longer than the model's window.
        model: with words, such as `HeartLangVQHBRForPreTraining`.
        feature_extractor: the model's.
        show: the leads to draw; default II, or the first with a beat.
        options: further ones of `plot_beats`.

    Returns:
        A matplotlib `Figure`.

    Raises:
        ValueError: what the extractor or `plot_beats` refuses.
    """
    # drawing without a model needs nothing of this
    from ..explanation.explained_record import explained_record

    shown = explained_record(record, feature_extractor, model)
    inputs = dict(feature_extractor(shown.given, return_tensors="pt", window="recipe"))
    training = model.training
    words = model.eval().codes_of(**inputs)[0].tolist()
    model.train(training)
    names = [feature_extractor.leads[lead - 1] if lead else "" for lead in inputs["lead_ids"][0].tolist()]
    there = inputs["beat_mask"][0].tolist()
    kept = [place for place, beat in enumerate(there) if beat]
    return plot_beats(
        record,
        # padding before the record is not drawn
        inputs["peak_samples"][0].numpy()[kept] + shown.places.starts[0] * feature_extractor.sampling_rate,
        [names[place] for place in kept],
        [words[place] for place in kept],
        position_rate=feature_extractor.sampling_rate,
        show=show,
        **options,
    )


def plot_vocabulary(beats, usage, *, sampling_rate: float, number: int = 24, title: str | None = None):
    """The most used words of a vocabulary of heartbeats, each drawn as a beat.

    Args:
        beats: (words, samples), as `drawn_words` of the model gives them.
        usage: (words,), how often each is used, in any unit.
        sampling_rate: hertz of the beats.
        number: how many are drawn, the most used first; those that are not used are left out.
        title: printed above.

    Returns:
        A matplotlib `Figure`, an axes a word, all with the same scale.

    Raises:
        ValueError: other shapes, or no word that is used.
    """
    beats, usage = np.asarray(beats, float), np.asarray(usage, float)
    if beats.ndim != 2 or usage.shape != beats.shape[:1]:
        raise ValueError(f"beats have shape {beats.shape}, usage {usage.shape}: wanted (words, samples) and (words,)")
    order = [word for word in np.argsort(-usage, kind="stable")[:number] if usage[word] > 0]
    if not order:
        raise ValueError(f"none of the {len(usage)} words is used: the vocabulary has not been trained")
    columns = min(6, len(order))
    rows = -(-len(order) // columns)
    width = columns * _CELL_MM + (columns + 1) * _GAP_MM
    height = rows * (_CELL_MM + _GAP_MM) + _GAP_MM + _HEADER_MM
    figure = new_figure(width, height)
    milliseconds = (np.arange(beats.shape[1]) - beats.shape[1] // 2) / sampling_rate * 1000
    low, high = beats[order].min(), beats[order].max()
    margin = 0.05 * max(high - low, 1e-9)
    for place, word in enumerate(order):
        row, column = divmod(place, columns)
        left = _GAP_MM + column * (_CELL_MM + _GAP_MM)
        bottom = height - _HEADER_MM - (row + 1) * (_CELL_MM + _GAP_MM) + _GAP_MM
        axes = figure.add_axes((left / width, bottom / height, _CELL_MM / width, (_CELL_MM - 4) / height))
        axes.plot(milliseconds, beats[word], color=_BEAT, linewidth=1.0, gid=f"word-{word}")
        axes.set_ylim(low - margin, high + margin)
        axes.set_xticks([])
        axes.set_yticks([])
        share = usage[word] / usage.sum()
        axes.set_title(f"{word}   {100 * share:.1f} %", fontsize=6, pad=2)
    figure.text(
        _GAP_MM / width,
        1 - _HEADER_MM / 2 / height,
        title or f"Most used words, {milliseconds[0]:.0f} to {milliseconds[-1]:.0f} ms around R",
        fontsize=9,
        va="center",
        parse_math=False,
    )
    return figure


def _mark(axes, sheet, row: int, seconds: float, text) -> None:
    x, baseline = sheet.left + seconds * sheet.speed, sheet.baselines[row]
    points = sheet.scale * 72 / 25.4
    axes.plot([x, x], [baseline - 4, baseline + 4], color=_WORD, linewidth=0.2 * points, zorder=2, gid="beat")
    if text is not None:
        axes.text(
            x, baseline - 5, str(text), fontsize=2.4 * points, color=_WORD, ha="center", va="top", zorder=4, gid="word"
        ).set_bbox({"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 0.5})
