"""Tokens of texts, by any tokenizer of transformers, from any number of threads."""

import os
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from transformers import BatchEncoding
from transformers.utils import logging

from ..checks import check_positive_integer

logger = logging.get_logger(__name__)

# Above it, `model_max_length` stands for no limit.
_NO_LIMIT = 10**6
# What a saved tokenizer may say of calls in which it is not said.
_SAVED = ("padding", "truncation", "max_length", "pad_to_multiple_of")


class _Turns:
    """One call of a tokenizer at a time: fast ones keep padding and truncation inside, where all threads see them."""

    def __init__(self):
        self.renew()

    def renew(self) -> None:
        self.lock = threading.Lock()


_turns = _Turns()
# a process that is forked while another thread tokenises would wait for ever
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_turns.renew)


def token_limit(tokenizer) -> int | None:
    """How many tokens a text may have by its tokenizer's `model_max_length`; None without a limit."""
    return tokenizer.model_max_length if tokenizer.model_max_length < _NO_LIMIT else None


def tokenize(tokenizer, texts: Sequence[str], **options: Any) -> BatchEncoding:
    """Calls the tokenizer; what is not said is what it was saved with, and no text is longer than it allows.

    Texts are cut at `max_length`, or without it at the tokenizer's own limit, unless `truncation=False` is said. One
    warning says that the own limit has cut a text. With `return_tensors` they are padded to the longest by default.

    Args:
        tokenizer: of transformers.
        texts: at least one.
        options: arguments of its call.

    Raises:
        ValueError: `max_length` is not a positive whole number, or cuts every word away.
    """
    options = _saved_options(tokenizer) | options
    options.setdefault("padding", options.get("return_tensors") is not None)
    limit, asked = token_limit(tokenizer), options.get("max_length")
    if asked is None:
        options["max_length"] = limit
    else:
        # transformers takes 0 for no limit
        check_positive_integer("max_length", asked)
    if options.get("truncation") is None or (options["truncation"] is True and options["max_length"] is None):
        # with nothing to cut at, transformers would say so at each call
        options["truncation"] = options["max_length"] is not None
    own = tokenizer.num_special_tokens_to_add() if options.get("add_special_tokens", True) else 0
    if asked is not None and options["truncation"] and asked <= own:
        raise ValueError(f"max_length is {asked}, and {own} tokens of a text are the tokenizer's own: no word is left")
    with _turns.lock:
        tokens = tokenizer(texts, **options)
        if options["truncation"] and asked is None and _has_cut(tokenizer, texts, tokens, limit):
            logger.warning_once(
                f"texts of more than {limit} tokens are cut there, at the limit of their tokenizer"
                " (max_length= cuts elsewhere)"
            )
    return tokens


def _saved_options(tokenizer) -> dict[str, Any]:
    """Padding and truncation that a tokenizer was made with.

    A `max_length` alone says nothing: tokenizer.json files carry the one of whoever cut texts last.
    """
    saved = {key: tokenizer.init_kwargs[key] for key in _SAVED if tokenizer.init_kwargs.get(key) is not None}
    if saved.get("padding") != "max_length" and not saved.get("truncation"):
        saved.pop("max_length", None)
    return saved


def _has_cut(tokenizer, texts, tokens: Mapping, limit: int | None) -> bool:
    encodings = tokens.encodings if isinstance(tokens, BatchEncoding) else None
    if encodings is not None:
        return any(one.overflowing for one in encodings)
    # slow tokenizers do not tell
    whole = tokenizer(texts, truncation=False, padding=False, verbose=False)["input_ids"]
    return limit is not None and max(map(len, whole)) > limit
