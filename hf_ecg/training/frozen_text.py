"""A text tower that is not trained says the same of a text every time: ask it once per distinct text."""

import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from transformers.utils import logging

from ..processing.tokens import tokenize
from ..progress import progress_bar

logger = logging.get_logger(__name__)


def encode_texts(
    model, processor, texts: list[str], batch_size: int = 64, max_length: int | None = None, accelerator=None
) -> dict[str, torch.Tensor]:
    """Pooled output of the text tower, before projection, for each text.

    Processes share the work; batches are the same on any number of them, so the values are too.

    Args:
        model: an `ECGTextModel`, its text tower in evaluation mode.
        processor: its `ECGTextProcessor`.
        texts: distinct texts.
        batch_size: texts a batch; texts of like length go together.
        max_length: tokens to cut at; None = the tokenizer's limit.
        accelerator: the run's, when there is one.

    Returns:
        text -> float32 (hidden_size,) on the CPU.
    """
    rank, ranks = (accelerator.process_index, accelerator.num_processes) if accelerator else (0, 1)
    device = next(model.parameters()).device
    texts = sorted(texts, key=lambda text: (len(text), text))
    starts = list(range(0, len(texts), batch_size))[rank::ranks]
    encoded = []
    with progress_bar(total=-(-len(texts) // ranks), desc="encoding texts", unit="text", disable=rank != 0) as bar:
        for start in starts:
            part = texts[start : start + batch_size]
            tokens = tokenize(processor.tokenizer, part, padding=True, max_length=max_length, return_tensors="pt")
            with torch.no_grad():
                features = model.encode_text(tokens["input_ids"].to(device), tokens["attention_mask"].to(device))
            encoded.append((part, features.float().cpu()))
            bar.update(len(part))
    if ranks > 1:
        encoded = gather_object(encoded)
    return {text: row.clone() for part, features in encoded for text, row in zip(part, features, strict=True)}


def prepare_texts(
    model, collator, sources, frozen: bool, accelerator: Accelerator, measured: bool = False, more_texts=()
) -> None:
    """What must be known of all training texts before the first step.

    With a frozen tower the collator hands out its embeddings in place of tokens; a model that standardises its text
    features measures them, whether the tower is frozen or not.

    Args:
        model: in training mode; its text tower is asked in evaluation mode.
        collator: an `ECGTextCollator`.
        sources: the training rows, a data set for each corpus.
        frozen: whether the text tower is.
        accelerator: the run's.
        measured: the model was trained before, and goes on with the statistics of the texts that it knows.
        more_texts: those of the statistics beside the training texts.
    """
    standardise = model.config.standardise_text and not measured
    if not frozen and not standardise:
        return
    trained = collator.possible_texts(*sources)
    texts = sorted({*trained, *more_texts}) if standardise else trained
    logger.info("encoding %d distinct texts", len(texts))
    training = model.text_model.training
    model.text_model.eval()
    features = encode_texts(model, collator.processor, texts, max_length=collator.max_length, accelerator=accelerator)
    model.text_model.train(training)
    if standardise:
        model.set_text_statistics(torch.stack([features[text] for text in texts]))
    if frozen:
        collator.text_features = {text: features[text] for text in trained}
