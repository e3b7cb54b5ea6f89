"""Files that want more than to be read: code in pickles, paths out of the folder, tags and names of Python objects.

What is legitimate: a WFDB header names files beside itself, and nothing else; a record of a corpus may be a symbolic
link within the corpus. Paths of a recipe's `data.sources` and `init_from` are the author's own and may be any folder,
as on the command line; only `package:NAME/FOLDER` stays inside the package.
"""

import json
import os
import pickle
import re
import shutil
import zipfile

import numpy as np
import pytest
import torch
import yaml
from transformers import AutoFeatureExtractor, AutoModel

import hf_ecg
from hf_ecg.clinical.prompts import load_prompts
from hf_ecg.convert import convert_checkpoint
from hf_ecg.models.shared.conversion import PICKLES, read_checkpoint
from hf_ecg.signals import read
from hf_ecg.strict_yaml import load_yaml
from hf_ecg.training.checkpoint import load_state, save_state
from hf_ecg.training.network import find_model_class, resolve_pretrained
from hf_ecg.training.recipe import load_recipe
from hf_ecg.training.run_card import licences


class Code:
    """Unpickled, it writes a file."""

    def __init__(self, sentinel):
        self.sentinel = str(sentinel)

    def __reduce__(self):
        return (os.mkdir, (self.sentinel,))


@pytest.fixture
def sentinel(tmp_path):
    """A path that must not appear."""
    yield tmp_path / "sentinel"
    assert not (tmp_path / "sentinel").exists()


@pytest.mark.parametrize("ending", PICKLES)
@pytest.mark.parametrize("legacy", [False, True])
def test_code_in_a_pickle_is_not_run(tmp_path, sentinel, ending, legacy):
    path = tmp_path / f"checkpoint{ending}"
    torch.save({"w": torch.zeros(2), "x": Code(sentinel)}, path, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(ValueError, match="checkpoint.* is refused.*run code"):
        convert_checkpoint("merl-resnet18", path)
    path.write_bytes(pickle.dumps(Code(sentinel)))
    with pytest.raises(ValueError, match=f"checkpoint{ending} is"):
        read_checkpoint(path)


def test_code_under_the_name_of_safetensors(tmp_path, sentinel):
    path = tmp_path / "checkpoint.safetensors"
    torch.save(Code(sentinel), path)
    with pytest.raises(ValueError, match="not a safetensors file"):
        read_checkpoint(path)


def test_code_in_a_resume_point(tmp_path, sentinel):
    save_state(tmp_path / "last", {"model": {}}, {"step": 1})
    torch.save({"model": Code(sentinel)}, tmp_path / "last" / "state.pt")
    with pytest.raises(ValueError, match="state.pt is refused"):
        load_state(tmp_path / "last")


def test_code_in_the_weights_of_a_model_folder(tmp_path, sentinel):
    model = hf_ecg.ECGResNetModel(hf_ecg.ECGResNetConfig(widths=[2], depths=[1]))
    model.save_pretrained(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    torch.save({**model.state_dict(), "x": Code(sentinel)}, tmp_path / "pytorch_model.bin")
    with pytest.raises((ValueError, OSError, pickle.UnpicklingError)):
        AutoModel.from_pretrained(tmp_path)


def test_no_code_in_numpy_files(repository, tmp_path, sentinel):
    np.savez(tmp_path / "expected.npz", x=np.array([Code(sentinel)], dtype=object))
    with np.load(tmp_path / "expected.npz") as stored, pytest.raises(ValueError, match="allow_pickle=False"):
        stored["x"]
    ours = [path for name in ("hf_ecg", "train", "dataset_scripts") for path in (repository / name).rglob("*.py")]
    unsafe = ("allow_pickle=True", "pickle.load", "weights_only=False", "yaml.load(", "yaml.unsafe", "eval(", "exec(")
    found = [(path.name, word) for path in ours for word in unsafe if f"{word}" in _code(path.read_text())]
    assert [entry for entry in found if entry != ("strict_yaml.py", "yaml.load(")] == []


def _code(text):
    # a name that only ends in eval or exec, such as plot_retrieval or model.eval, runs no code
    return re.sub(r"[\w.](eval|exec)\(", "", text)


def test_a_checkpoint_that_unpacks_to_much_more_is_not_unpacked(tmp_path):
    torch.save({"w": torch.zeros(10**6)}, tmp_path / "stored.pt")
    with zipfile.ZipFile(tmp_path / "stored.pt") as stored, zipfile.ZipFile(tmp_path / "bomb.pt", "w") as bomb:
        for name in stored.namelist():
            bomb.writestr(name, stored.read(name), zipfile.ZIP_DEFLATED)
    with pytest.raises(ValueError, match="bomb.pt holds compressed parts"):
        read_checkpoint(tmp_path / "bomb.pt")


def test_a_flipped_bit_in_a_checkpoint_is_found(tmp_path):
    path = tmp_path / "checkpoint.pt"
    torch.save({"w": torch.full((1000,), 1.5)}, path)
    data = bytearray(path.read_bytes())
    data[data.index(np.float32(1.5).tobytes() * 20) + 10] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match="checkpoint.pt is damaged: .*checksum"):
        read_checkpoint(path)


def test_counters_that_are_not_those_of_the_weights(tmp_path):
    save_state(tmp_path / "last", {"model": {}}, {"step": 1})
    assert load_state(tmp_path / "last") == ({"model": {}}, {"step": 1})
    (tmp_path / "last" / "progress.json").write_text('{"step": 2}\n')
    with pytest.raises(ValueError, match="progress.json is not what was saved"):
        load_state(tmp_path / "last")


@pytest.fixture
def secret(tmp_path):
    """A record outside the folder that is read."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "s.hea").write_text("s 1 100 10\ns.dat 16 1000/mV 16 0 0 0 0 I\n")
    np.zeros(10, "<i2").tofile(folder / "s.dat")
    return folder


@pytest.mark.parametrize("name", ["../outside/s.dat", "{}/s.dat", "..", ".", "../../../../etc/passwd", "/etc/passwd"])
@pytest.mark.parametrize("storage", ["16", "212"])
def test_a_header_names_files_beside_itself_only(tmp_path, secret, name, storage):
    folder = tmp_path / "inside"
    folder.mkdir()
    (folder / "r.hea").write_text(f"r 1 100 10\n{name.format(secret)} {storage} 1000/mV 16 0 0 0 0 I\n")
    with pytest.raises(ValueError, match="not beside the header"):
        read(folder / "r")


@pytest.mark.parametrize("name", ["../outside/s", "records100/../../outside/s", "{}/s", "..\\outside\\s"])
def test_a_table_names_records_inside_its_folder_only(ptb_xl_dir, tmp_path, secret, name):
    from hf_ecg.data.readers.ptb_xl import ptb_xl_corpus

    folder = tmp_path / "raw"
    folder.mkdir()
    shutil.copyfile(ptb_xl_dir / "scp_statements.csv", folder / "scp_statements.csv")
    first, second = (ptb_xl_dir / "ptbxl_database.csv").read_text(encoding="utf-8").splitlines()[:2]
    place = first.split(",").index("filename_lr")
    record = next(part for part in second.split(",") if part.startswith("records100"))
    assert place and record
    table = f"{first}\n{second.replace(record, name.format(secret))}\n"
    (folder / "ptbxl_database.csv").write_text(table, encoding="utf-8")
    with pytest.raises(ValueError, match="leaves the folder"):
        ptb_xl_corpus(folder)


def test_a_link_out_of_the_corpus_is_not_followed(tmp_path, secret):
    folder = tmp_path / "corpus"
    folder.mkdir()
    for name in ("s.hea", "s.dat"):
        (folder / name).symlink_to(secret / name)
    with pytest.raises(ValueError, match="leaves the folder"):
        read(folder / "s", root=folder)


@pytest.mark.parametrize("pattern", ["../outside/*.parquet", "{}/*.parquet"])
def test_a_card_names_files_of_its_folder_only(tmp_path, pattern):
    from datasets import Dataset

    from hf_ecg.data.corpus import load_corpus

    (tmp_path / "outside").mkdir()
    (tmp_path / "corpus").mkdir()
    Dataset.from_dict({"fold": [1]}).to_parquet(tmp_path / "outside" / "train.parquet")
    files = [{"split": "train", "path": pattern.format(tmp_path / "outside")}]
    front = yaml.safe_dump({"configs": [{"config_name": "c", "data_files": files}]})
    (tmp_path / "corpus" / "README.md").write_text(f"---\n{front}---\n")
    with pytest.raises((ValueError, OSError), match="outside"):
        load_corpus(tmp_path / "corpus")


@pytest.mark.parametrize("source", ["package:transformers/../yaml", "package:../etc/x", "package:os.path/x"])
def test_a_package_folder_stays_in_its_package(source):
    with pytest.raises(OSError, match="package"):
        resolve_pretrained(source)


EVILS = [
    ("!!python/object/apply:os.mkdir ['{}']", "python/object"),
    ("!!python/name:os.system", "python/name"),
    ("!!python/module:os", "python/module"),
    ("!class x", "constructor"),
    ("&a [*a]", "holds itself"),
    ("[" * 60 + "]" * 60, "deeper than 50"),
]


@pytest.mark.parametrize(("evil", "message"), EVILS)
def test_yaml_holds_plain_values_only(tmp_path, sentinel, evil, message):
    evil = evil.replace("{}", str(sentinel))
    for name, load in (("recipe.yaml", load_recipe), ("prompts.yaml", load_prompts)):
        (tmp_path / name).write_text(f"model: {evil}\n")
        with pytest.raises(ValueError, match=message):
            load(tmp_path / name)


def test_aliases_that_unfold_without_end(tmp_path):
    bomb = "[x, x, x, x, x, x, x, x, x]"
    for letter in "abcdefgh":
        bomb = f"[&{letter} {bomb}{f', *{letter}' * 8}]"
    (tmp_path / "recipe.yaml").write_text(f"model: {bomb}\n")
    with pytest.raises(ValueError, match="more than 100000 values"):
        load_recipe(tmp_path / "recipe.yaml")


def test_the_front_matter_of_a_card_is_plain(tmp_path, sentinel):
    (tmp_path / "README.md").write_text(f"---\nlicense: !!python/object/apply:os.mkdir ['{sentinel}']\n---\n")
    with pytest.raises((ValueError, yaml.YAMLError), match="python/object"):
        licences([str(tmp_path)])


@pytest.mark.parametrize(
    "name", ["os.system", "AutoTokenizer", "PreTrainedModel", "__import__", "hf_ecg", "AutoConfig"]
)
def test_a_recipe_names_models_only(name):
    with pytest.raises(ValueError, match="neither a model of hf_ecg nor an Auto class"):
        find_model_class(name)


def test_a_step_names_no_python_object():
    for name in ("os.system", "__class__", "builtins.eval"):
        with pytest.raises(ValueError, match="unknown step"):
            hf_ecg.ECGFeatureExtractor(steps=[{"name": name}])


def test_a_saved_recipe_names_no_other_code(tmp_path, sentinel):
    hf_ecg.ECGFeatureExtractor().save_pretrained(tmp_path)
    path = tmp_path / "preprocessor_config.json"
    saved = json.loads(path.read_text())
    (tmp_path / "evil.py").write_text(f"import os\nos.mkdir({str(sentinel)!r})\nclass Evil: pass\n")
    for change in ({"feature_extractor_type": "os.system"}, {"auto_map": {"AutoFeatureExtractor": "evil.Evil"}}):
        path.write_text(json.dumps({**saved, **change}))
        try:
            loaded = AutoFeatureExtractor.from_pretrained(tmp_path, trust_remote_code=False)
        except ValueError:
            continue
        # our own class reads it, and leaves the foreign name alone
        assert type(loaded) is hf_ecg.ECGFeatureExtractor


def test_a_configuration_names_no_other_code(tmp_path, sentinel):
    hf_ecg.ECGResNetModel(hf_ecg.ECGResNetConfig(widths=[2], depths=[1])).save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    saved = json.loads(path.read_text())
    (tmp_path / "evil.py").write_text(f"import os\nos.mkdir({str(sentinel)!r})\nclass Evil: pass\n")
    path.write_text(json.dumps({**saved, "auto_map": {"AutoModel": "evil.Evil"}, "architectures": ["os.system"]}))
    assert type(AutoModel.from_pretrained(tmp_path, trust_remote_code=False)) is hf_ecg.ECGResNetModel


@pytest.mark.parametrize("missing", ["sampling_rate", "leads", "num_samples", "steps"])
def test_a_saved_recipe_without_a_part_is_no_recipe(tmp_path, missing):
    hf_ecg.ECGFeatureExtractor().save_pretrained(tmp_path)
    path = tmp_path / "preprocessor_config.json"
    saved = json.loads(path.read_text())
    del saved[missing]
    path.write_text(json.dumps(saved))
    with pytest.raises(ValueError, match=f"lacks .*{missing}"):
        AutoFeatureExtractor.from_pretrained(tmp_path)


def test_yaml_is_the_same_without_libyaml(repository, monkeypatch):
    if not yaml.__with_libyaml__:
        pytest.skip("PyYAML was built without libyaml")
    texts = [path.read_bytes() for folder in ("train", "hf_ecg") for path in (repository / folder).rglob("*.yaml")]
    assert len(texts) > 50
    fast = [load_yaml(text, "a file") for text in texts]
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    assert repr([load_yaml(text, "a file") for text in texts]) == repr(fast)
