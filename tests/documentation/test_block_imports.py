"""A block that is copied alone works: transformers knows this package's models once it is imported."""

import re

import pytest

from tests.conftest import REPOSITORY

PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "model_cards/*", "hf_ecg/pretrained_models/*/README.md")
    for path in REPOSITORY.glob(pattern)
    if path.is_file()
)
_BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
# tokenizers and language models are transformers' own
_ASKS = re.compile(
    r"^(from transformers import .*\b(Auto(?!Tokenizer|ModelForCausalLM)|pipeline)|import transformers)", re.MULTILINE
)
_OURS = re.compile(r"^(import hf_ecg|from hf_ecg)", re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_a_block_that_asks_transformers_for_a_model_imports_the_package(page):
    blocks = _BLOCK.findall(page.read_text(encoding="utf-8"))
    assert not [block for block in blocks if _ASKS.search(block) and not _OURS.search(block)]
