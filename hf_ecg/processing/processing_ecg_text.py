"""ECGTextProcessor: the feature extractor and the tokenizer of a model with two towers, saved and loaded as one."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Self

from transformers.feature_extraction_utils import BatchFeature
from transformers.processing_utils import ProcessorMixin, TextKwargs

from ..auto_class import NoSourceCopies
from ..checks import nearest
from ..strict_json import naming_the_source
from .tokens import tokenize

_TEXT_OPTIONS = frozenset(TextKwargs.__annotations__)
_ECG_OPTIONS = frozenset({"sampling_rate", "leads", "units", "lead", "return_tensors", "rename", "window"})
# of ProcessorMixin's, by which generic clients call
_NESTED = ("text_kwargs", "ecg_kwargs", "audio_kwargs", "common_kwargs")
_OTHERS = ("images_kwargs", "videos_kwargs")


class ECGTextProcessor(NoSourceCopies, ProcessorMixin):
    """Prepares ECGs, texts, or both for an `ECGTextModel`.

    Args:
        feature_extractor: an `ECGFeatureExtractor`.
        tokenizer: the text tower's tokenizer.

    Example:
        >>> from transformers import AutoProcessor
        >>> import hf_ecg
        >>> processor = AutoProcessor.from_pretrained("out/demo/clep")  # as `make demo` leaves it
        >>> texts = ["sinus rhythm", "atrial fibrillation"]
        >>> inputs = processor(ecg="record.hea", text=texts, padding=True, return_tensors="pt")
        >>> len(inputs["input_values"]), len(inputs["input_ids"])
        (1, 2)
    """

    def __init__(self, feature_extractor, tokenizer):
        super().__init__(feature_extractor, tokenizer)

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path, *args, **kwargs) -> Self:
        """As in transformers; a saved JSON that holds something else raises a ValueError that names its folder."""
        with naming_the_source(pretrained_model_name_or_path):
            return super().from_pretrained(pretrained_model_name_or_path, *args, **kwargs)

    def __call__(
        self,
        ecg=None,
        text: str | Sequence[str] | None = None,
        sampling_rate: float | None = None,
        leads: Sequence[str] | None = None,
        units: str | None = None,
        lead: str | None = None,
        return_tensors: str | None = None,
        rename: Mapping[str | int, str] | None = None,
        window: str | float | None = None,
        **kwargs,
    ) -> BatchFeature:
        """Prepares a batch; either side may be left out, and their numbers of rows may differ (prompts).

        Args:
            ecg, sampling_rate, leads, units, lead, rename, window: see `ECGFeatureExtractor.__call__`.
            text: a text or a list of them.
            return_tensors: "pt" or "np".
            kwargs: for the tokenizer (`max_length`, `truncation`, `padding` ...). Or dictionaries, as clients of
                transformers' processors give them: `text_kwargs` for the tokenizer, `ecg_kwargs` or `audio_kwargs` for
                the feature extractor, `common_kwargs` for whichever knows the name. What is given by name counts
                before these, then the side's own before the common ones, then what the tokenizer was saved with.
                Texts are cut at `max_length`, by default at the tokenizer's own limit (one warning says so), and never
                with `truncation=False`. They are padded to the longest one when tensors are asked for and nothing
                else is said.

        Returns:
            What the feature extractor gives for `ecg`: `input_values` (ecgs, leads, samples), in millivolts unless a
            step of it normalises, and masks; and the tokenizer for `text`: `input_ids` (texts, tokens).

        Raises:
            ValueError: neither ecg nor text; a text that is empty or no string; a keyword that neither side knows, is
                of a side that is not given, or is given twice.
        """
        if ecg is None and text is None:
            raise ValueError("neither ecg nor text was given, wanted at least one of them")
        named: dict[str, Any] = {"sampling_rate": sampling_rate, "leads": leads, "units": units, "lead": lead}
        named |= {"return_tensors": return_tensors, "rename": rename, "window": window}
        named = {key: value for key, value in named.items() if value is not None}
        _check_has_a_side({**named, **kwargs}, ecg, text)
        of_ecg, of_text = _sorted_options({**named, **kwargs})
        data: dict[str, Any] = {}
        if ecg is not None:
            data.update(self.feature_extractor(ecg, **of_ecg))
        if text is not None:
            data.update(tokenize(self.tokenizer, _checked_texts(text), **of_text))
        return BatchFeature(data)


def _sorted_options(given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the feature extractor and the tokenizer are told, of all that a call names, nested or not."""
    nested = {key: dict(given[key] or {}) for key in (*_NESTED, *_OTHERS) if key in given}
    named = {key: value for key, value in given.items() if key not in nested}
    for key in _OTHERS:
        if nested.pop(key, None):
            raise ValueError(f"{key} is for images or videos, and the processor reads ECGs and texts")
    common = nested.pop("common_kwargs", {})
    _check_names({**named, **common}, {*_ECG_OPTIONS, *_TEXT_OPTIONS})
    told = []
    for own_names, known in ((("ecg_kwargs", "audio_kwargs"), _ECG_OPTIONS), (("text_kwargs",), _TEXT_OPTIONS)):
        options = {key: value for key, value in common.items() if key in known}
        by_name = {key: value for key, value in named.items() if key in known}
        own: dict[str, Any] = {}
        for name in own_names:
            values = nested.get(name, {})
            if known is _ECG_OPTIONS:
                _take_padding(values, name)
            _check_names(values, known, f" in {name}")
            twice = sorted(set(values) & {*own, *by_name})
            if twice:
                raise ValueError(f"{twice} of {name} are given twice, wanted each once")
            own.update(values)
        told.append({**options, **own, **by_name})
    return told[0], told[1]


def _check_has_a_side(given: Mapping[str, Any], ecg, text) -> None:
    """Raises ValueError for what is said of ECGs or texts where there are none; generic clients pad and cut all."""
    for side, kind, own, other in (
        (ecg, "an ECG", _ECG_OPTIONS, _TEXT_OPTIONS),
        (text, "a text", _TEXT_OPTIONS - {"padding", "truncation"}, _ECG_OPTIONS),
    ):
        unused = [key for key in given if key in own - other]
        if side is None and unused:
            raise ValueError(f"{', '.join(unused)} is about {kind}, and none was given")


def _check_names(given: Iterable[str], known: Collection[str], where: str = "") -> None:
    for key in given:
        if key not in known:
            raise ValueError(f"unknown argument {key!r}{where}{nearest(key, {'ecg', 'text', *known, *_NESTED})}")


def _take_padding(options: dict[str, Any], where: str) -> None:
    """Clients of audio models ask for padding; the extractor pads to the longest record, or as its recipe says."""
    padding = options.pop("padding", True)
    if padding not in (True, "longest"):
        raise ValueError(f"padding is {padding!r} in {where}: the recipe pads ECGs, wanted True, 'longest' or nothing")


def _checked_texts(text: str | Sequence[str]) -> list[str]:
    if not isinstance(text, Iterable):
        raise ValueError(f"text is {text!r}, wanted a string or a list of them")
    texts = [text] if isinstance(text, str) else list(text)
    if not texts:
        raise ValueError("text is an empty list, wanted at least one text")
    for row, item in enumerate(texts):
        if not isinstance(item, str):
            raise ValueError(f"text row {row} is {item!r}, wanted a string")
        if not item.strip():
            raise ValueError(f"text row {row} is empty; leave such rows out")
    return texts
