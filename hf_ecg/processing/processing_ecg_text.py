"""ECGTextProcessor: the feature extractor and the tokenizer of a model with two towers, saved and loaded as one."""

from collections.abc import Sequence

from transformers.feature_extraction_utils import BatchFeature
from transformers.processing_utils import ProcessorMixin, TextKwargs

from ..auto_class import NoSourceCopies
from ..checks import nearest
from ..strict_json import naming_the_source


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
    def from_pretrained(cls, pretrained_model_name_or_path, *args, **kwargs):
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
        **text_kwargs,
    ) -> BatchFeature:
        """Prepares a batch; either side may be left out, and their numbers of rows may differ (prompts).

        Args:
            ecg, sampling_rate, leads, units, lead: see `ECGFeatureExtractor.__call__`.
            text: a text or a list of them.
            return_tensors: "pt" or "np".
            text_kwargs: for the tokenizer (`max_length`, `truncation`, `padding` ...). Texts are padded to the longest
                one when tensors are asked for and `padding` is not given.

        Returns:
            What the feature extractor gives for `ecg` and the tokenizer for `text`.

        Raises:
            ValueError: neither ecg nor text; a text that is empty or no string; a keyword that neither side knows.
        """
        if ecg is None and text is None:
            raise ValueError("neither ecg nor text was given, wanted at least one of them")
        for key in text_kwargs:
            if key not in TextKwargs.__annotations__:
                known = ("ecg", "text", "sampling_rate", "leads", "units", "lead", *TextKwargs.__annotations__)
                raise ValueError(f"unknown argument {key!r}{nearest(key, known)}")
        data = {}
        if ecg is not None:
            data.update(self.feature_extractor(ecg, sampling_rate, leads, units, lead, return_tensors))
        if text is not None:
            text_kwargs.setdefault("padding", return_tensors is not None)
            data.update(self.tokenizer(_checked_texts(text), return_tensors=return_tensors, **text_kwargs))
        return BatchFeature(data)


def _checked_texts(text: str | Sequence[str]) -> list[str]:
    texts = [text] if isinstance(text, str) else list(text)
    if not texts:
        raise ValueError("text is an empty list, wanted at least one text")
    for row, item in enumerate(texts):
        if not isinstance(item, str):
            raise ValueError(f"text row {row} is {item!r}, wanted a string")
        if not item.strip():
            raise ValueError(f"text row {row} is empty; leave such rows out")
    return texts
