"""A checkpoint file in hand, of every family: four lines to an embedding, or one sentence that says what to do."""

import io
import os
import re

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

import hf_ecg
from hf_ecg.auto import FAMILIES, SOURCES
from hf_ecg.cli import run
from hf_ecg.convert import convert_checkpoint, write_converted
from tests.embed.made_records import write_record
from tests.models.tiny import published_families

# (family's tiny file, name of the published file that it makes)
FILES = [(family, name) for family in published_families() for name in family.PUBLISHED]
# without a tower of texts, whose tokenizer is another download
ECG_ALONE = [
    (family, name)
    for family, name in FILES
    if not any(source.tokenizer for source in FAMILIES[family.__name__.rpartition(".")[2]].sources)
]
# of what every family is shown, one file each
FIRST = list({family.__name__: (family, name) for family, name in reversed(FILES)}.values())


def of_files(files):
    return pytest.mark.parametrize(("family", "name"), files, ids=[name for _, name in files])


class Code:
    """Unpickled, it would make a folder."""

    def __reduce__(self):
        return (os.mkdir, ("made_by_a_pickle",))


def source_of(family, name):
    """The first source of the family that is made of a file of this name, or of this content."""
    sources = FAMILIES[family.__name__.rpartition(".")[2]].sources
    named = [source.name for source in sources if source.file == name]
    fitting = (source.name for source in sources if fits(source.name, family.PUBLISHED[name]()))
    return named[0] if named else next(fitting)


def fits(source, content):
    try:
        return convert_checkpoint(source, content) is not None
    except ValueError:
        return False


def content_of(family, name):
    state = family.PUBLISHED[name]()
    return save(state) if name.endswith(".safetensors") else saved(state)


def without_a_tensor(content):
    """The largest mapping of the file loses its first tensor, by name in safetensors, whose order is chance."""
    if content[:2] != b"PK":
        state = load(content)
        state.pop(min(key for key, value in state.items() if value.ndim > 1))
        return save(state)
    state = torch.load(io.BytesIO(content), weights_only=False)
    inner = max([state, *(value for value in state.values() if isinstance(value, dict))], key=len)
    inner.pop(next(key for key, value in inner.items() if torch.is_tensor(value) and value.ndim > 1))
    return saved(state)


def saved(value, **options):
    content = io.BytesIO()
    torch.save(value, content, **options)
    return content.getvalue()


DAMAGES = {
    "cut off": lambda content: content[: len(content) * 2 // 3],
    "empty": lambda content: b"",
    "a web page": lambda content: b"<!DOCTYPE html><title>Sign in</title>",
    "code": lambda content: saved({"model": {"w": torch.zeros(2)}, "hook": Code()}),
    "old code": lambda content: saved(Code(), _use_new_zipfile_serialization=False),
    "a tensor less": without_a_tensor,
    "of another model": lambda content: saved({"conv.weight": torch.zeros(2, 2)}),
    "no weights": lambda content: saved({}),
    "a list": lambda content: saved([torch.zeros(2)]),
}


@pytest.fixture(autouse=True)
def narrow(family, monkeypatch, tmp_path):
    family.narrow(monkeypatch)
    monkeypatch.chdir(tmp_path)


@of_files(FIRST)
@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_not_the_file_ends_in_a_sentence_that_says_what_to_do(family, name, tmp_path, capsys, damage):
    path, source = tmp_path / name, source_of(family, name)
    path.write_bytes(DAMAGES[damage](content_of(family, name)))
    with pytest.raises(ValueError) as refused:
        convert_checkpoint(source, path)
    told = str(refused.value)
    assert f"{SOURCES[source].file} ({SOURCES[source].repository}): check that this is that file" in told
    assert "download it again" in told and len(told) < 1500
    # torch's own advice would run the code
    assert "weights_only" not in told and "\x1b" not in told
    with pytest.raises(SystemExit) as stopped:
        run("convert", [source, str(path), "out"])
    told = capsys.readouterr().err
    assert stopped.value.code == 1 and told.count("\n") == 1 and "download it again" in told
    assert sorted(os.listdir(tmp_path)) == [name], "nothing was made, by us or by the file"


@of_files(FILES)
def test_four_lines_give_an_embedding_of_a_record(family, name, tmp_path):
    source = source_of(family, name)
    (tmp_path / name).write_bytes(content_of(family, name))
    write_record(tmp_path, "record", seconds=10, rate=500)
    model, extractor = convert_checkpoint(source, name)
    one = {"lead": "I"} if any(step["name"] == "pick_lead" for step in extractor.steps) else {}
    embed = hf_ecg.pipeline("ecg-feature-extraction", model=model, feature_extractor=extractor)
    embedding = embed("record.hea", **one)
    assert np.isfinite(embedding).all() and np.ndim(embedding) == 1


@of_files(ECG_ALONE)
def test_the_example_of_the_card_runs(family, name, tmp_path):
    (tmp_path / name).write_bytes(content_of(family, name))
    write_record(tmp_path, "record", seconds=10, rate=500)
    card = (write_converted(source_of(family, name), name, "out") / "README.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    names = {}
    exec(example.replace("PATH_OR_ID", "out"), names)
    given = names.get("scores") or names.get("until") or dict(enumerate(names["embedding"].flatten().tolist()))
    assert given and np.isfinite(list(given.values())).all()
