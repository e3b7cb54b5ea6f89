"""Asks a language model on this machine, also one in a GGUF file."""

import hashlib
from collections.abc import Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, RepetitionPenaltyLogitsProcessor

from ...extras import install_words
from .prompt import fill_prompt, load_prompt


class LocalProposer:
    """A causal language model that transformers loads, decoded greedily.

    The model is loaded at the first question, so a run that finds every answer kept does not load it.

    A model of a hundred million parameters does not follow instructions, but it continues a pattern: ask it with the
    prompt `waveform_features_small_v1`, `chat=False`, `begin=' ["'`, `stop="]"` and `repetition_penalty=1.1`. Such
    answers have the form that was asked for; that they fit the report is not to be expected.

    Args:
        model: folder, Hub id, or path of a GGUF file.
        prompt: text with `{report}`; default: `waveform_features_v1`.
        gguf_file: name of a GGUF file within `model`; needs the extra `gguf`.
        device: default: the GPU when there is one. There bfloat16 is used, on the CPU float32.
        max_new_tokens: of an answer; part of its key, like all that follows but `batch_size`.
        batch_size: reports asked about at once.
        chat: ask in the tokenizer's chat template where it has one; otherwise the prompt is text to continue.
        begin: what the answer begins with, given to the model as its own words, such as `["`.
        stop: text that ends the answer, such as `]`; None waits for the model's own end.
        repetition_penalty: divides the scores of tokens that the answer holds already; 1 leaves them. The prompt's
            tokens go free, unlike in `generate`: an answer is in the prompt's words.

    Raises:
        ValueError: a GGUF file without the package that reads them, a count below 1, a penalty of 0 or less.
        OSError: the file is not there.
    """

    cost = "compute"

    def __init__(
        self,
        model: str,
        prompt: str | None = None,
        gguf_file: str | None = None,
        device: str | None = None,
        max_new_tokens: int = 256,
        batch_size: int = 8,
        chat: bool = True,
        begin: str = "",
        stop: str | None = None,
        repetition_penalty: float = 1.0,
    ):
        if max_new_tokens < 1 or batch_size < 1:
            raise ValueError(f"max_new_tokens {max_new_tokens} and batch_size {batch_size}, wanted both above 0")
        if not repetition_penalty > 0:
            raise ValueError(f"repetition_penalty is {repetition_penalty}, wanted above 0")
        path = Path(model)
        if gguf_file is None and path.suffix == ".gguf":
            model, gguf_file = str(path.parent), path.name
        if gguf_file is not None and find_spec("gguf") is None:
            raise ValueError(f"{gguf_file} needs the package gguf: {install_words('gguf', 'gguf')}")
        if path.suffix == ".gguf" and not path.is_file():
            raise FileNotFoundError(f"the model {path} is not there")
        self.prompt = load_prompt() if prompt is None else prompt
        self.batch_size = batch_size
        self._model, self._gguf_file, self._max_new_tokens = model, gguf_file, max_new_tokens
        self._device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self._chat, self._begin, self._stop, self._penalty = chat, begin, stop, repetition_penalty
        # only what departs from the usual is named, and kept answers keep their key
        usual = {"chat": True, "begin": "", "stop": None, "repetition_penalty": 1.0}
        given = {"chat": chat, "begin": begin, "stop": stop, "repetition_penalty": repetition_penalty}
        words = [f"{name}={value!r}" for name, value in given.items() if value != usual[name]]
        self.name = " ".join([f"local:{_identity(model, gguf_file)} max_new_tokens={max_new_tokens}", *words])

    def answer(self, report: str) -> str:
        """The answer about one report.

        Raises:
            ValueError: the report is too long for the model.
        """
        return self.answers([report])[0]

    def answers(self, reports: Sequence[str]) -> list[str]:
        """Answers about several reports, computed at once.

        Raises:
            ValueError: one of the reports is too long for the model.
        """
        tokenizer, model = self._parts
        prompts = [fill_prompt(self.prompt, report) for report in reports]
        chat = self._chat and bool(tokenizer.chat_template)
        if chat:
            chats = [[{"role": "user", "content": prompt}] for prompt in prompts]
            prompts = tokenizer.apply_chat_template(chats, add_generation_prompt=True, tokenize=False)
        prompts = [prompt + self._begin for prompt in prompts]
        # a chat template writes the special tokens itself
        inputs = tokenizer(prompts, return_tensors="pt", padding=True, add_special_tokens=not chat)
        length, longest = inputs["input_ids"].shape[1], getattr(model.config, "max_position_embeddings", None)
        if longest is not None and length + self._max_new_tokens > longest:
            raise ValueError(f"{length} tokens and {self._max_new_tokens} of an answer, the model takes {longest}")
        further = {"stop_strings": [self._stop], "tokenizer": tokenizer} if self._stop else {}
        if self._penalty != 1:
            penalty = RepetitionPenaltyLogitsProcessor(self._penalty, prompt_ignore_length=length)
            further["logits_processor"] = [penalty]
        with torch.inference_mode():
            generated = model.generate(
                **inputs.to(self._device),
                max_new_tokens=self._max_new_tokens,
                do_sample=False,
                temperature=None,
                top_p=None,
                top_k=None,
                pad_token_id=tokenizer.pad_token_id,
                **further,
            )
        return [self._begin + text for text in tokenizer.batch_decode(generated[:, length:], skip_special_tokens=True)]

    @cached_property
    def _parts(self):
        source = {"gguf_file": self._gguf_file} if self._gguf_file else {}
        tokenizer = AutoTokenizer.from_pretrained(self._model, padding_side="left", **source)
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token
        dtype = torch.bfloat16 if self._device.type == "cuda" else torch.float32
        model = AutoModelForCausalLM.from_pretrained(self._model, dtype=dtype, **source)
        return tokenizer, model.to(self._device).eval()


def _identity(model: str, gguf_file: str | None) -> str:
    """What an answer of a model is kept under: a Hub id, or the last name and a digest of the files."""
    folder = Path(model)
    if gguf_file is not None and folder.is_dir():
        files = [folder / gguf_file]
    elif folder.is_dir():
        files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    else:
        return f"{model}/{gguf_file}" if gguf_file else model
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.name.encode())
        with open(path, "rb") as file:
            while block := file.read(1 << 24):
                digest.update(block)
    return f"{files[0].name if gguf_file else folder.resolve().name} sha256:{digest.hexdigest()[:16]}"
