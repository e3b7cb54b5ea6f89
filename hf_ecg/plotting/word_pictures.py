"""Pictures of the words that a model has for heartbeats, written to files."""

from collections.abc import Sequence
from pathlib import Path

from transformers import AutoFeatureExtractor, AutoModelForPreTraining

from ..models.shared.beat_vocabulary import BeatVocabulary
from ..signals.formats import read
from ._figure import save_figure
from .beats import plot_sentence, plot_vocabulary
from .picture_files import prepare_place, record_targets


def draw_words(
    model: str, records: Sequence, output: str | Path, ending: str | None = None, *, leads=None, title=None, **how
) -> list[Path]:
    """The most used words of a vocabulary of heartbeats; with records, each as a sentence of its words.

    Args:
        model: folder or Hub id of a model with words, with its feature extractor.
        records: paths; none: the vocabulary itself is drawn.
        output: .png or .svg file; for several records a folder.
        ending: of the files in a folder, "png" (default) or "svg".
        leads: those to draw.
        title: printed above.
        how: see `plot_beats`.

    Raises:
        ValueError: a model without words, and see `draw_records`.
        OSError: there is no such model.
    """
    found = AutoModelForPreTraining.from_pretrained(model)
    if not isinstance(found, BeatVocabulary):
        raise ValueError(f"{model} is a {type(found).__name__}, wanted a vocabulary of heartbeats")
    extractor = AutoFeatureExtractor.from_pretrained(model)
    if records:
        targets = record_targets(list(records), Path(output), ending)
        return [
            save_figure(plot_sentence(read(name), found.eval(), extractor, show=leads, title=title, **how), target)
            for name, target in targets.items()
        ]
    output = Path(output)
    prepare_place(output)
    beats, usage = found.eval().drawn_words().numpy(), found.word_usage().numpy()
    return [save_figure(plot_vocabulary(beats, usage, sampling_rate=extractor.sampling_rate, title=title), output)]
