"""The test suite of the installed transformers, from its source distribution: fetched once, never copied in here.

The distribution holds the mixins that a model's tests are made of (`tests/test_*.py`), but no subfolder of `tests/`
and nothing of `utils/`. The four names that the mixins import from there have stand-ins below.
"""

import importlib
import importlib.metadata
import os
import subprocess
import sys
import tarfile
import types
from pathlib import Path

PACKAGE = "transformers_tests"
CACHE = Path(os.environ.get("HF_ECG_PEERS", Path.home() / ".cache" / "hf_ecg" / "peers"))

# What every configuration accepts, each with a value that is not the default.
COMMON_FIELDS = {
    "return_dict": False,
    "output_hidden_states": True,
    "dtype": "float16",
    "chunk_size_feed_forward": 5,
    "is_encoder_decoder": True,
    "architectures": ["ECGModel"],
    "id2label": {0: "sinus rhythm"},
    "label2id": {"sinus rhythm": 0},
    "problem_type": "regression",
}


def tests_folder() -> Path:
    """The folder `tests` of the installed version's source distribution.

    Raises:
        OSError: pip cannot fetch the distribution, or it holds no such folder.
    """
    version = importlib.metadata.version("transformers")
    folder = CACHE / f"transformers-{version}" / "tests"
    mark = folder / "__init__.py"
    if mark.exists():
        return folder
    CACHE.mkdir(parents=True, exist_ok=True)
    archive = CACHE / f"transformers-{version}.tar.gz"
    if not archive.exists():
        options = ["--no-binary", ":all:", "--no-deps", "--no-build-isolation", "--dest", str(CACHE)]
        done = subprocess.run([sys.executable, "-m", "pip", "download", *options, f"transformers=={version}"])
        if done.returncode:
            raise OSError(f"pip could not fetch the source distribution of transformers {version} into {CACHE}")
    with tarfile.open(archive) as file:
        wanted = [member for member in file.getmembers() if member.name.split("/")[1:2] == ["tests"]]
        file.extractall(CACHE, members=wanted, filter="data")
    if not folder.is_dir():
        raise OSError(f"{archive} holds no folder tests: take it from the tag v{version} of transformers' repository")
    # one of the mixins reads it, and the distribution left it out
    mark.touch()
    return folder


def _stand_in(name: str, **content) -> None:
    module = types.ModuleType(name)
    vars(module).update(content)
    sys.modules[name] = module


def _make_package() -> None:
    package = types.ModuleType(PACKAGE)
    package.__path__ = [str(tests_folder())]
    sys.modules[PACKAGE] = package
    for folder in ("exporters", "generation", "utils"):
        _stand_in(f"{PACKAGE}.{folder}", __path__=[])
    # our models do not generate; their export is in exports.py beside this file
    _stand_in(f"{PACKAGE}.exporters.test_export", ExportTesterMixin=type("ExportTesterMixin", (), {}))
    _stand_in(f"{PACKAGE}.generation.test_utils", GenerationTesterMixin=type("GenerationTesterMixin", (), {}))
    _stand_in(f"{PACKAGE}.utils.test_configuration_utils", config_common_kwargs=COMMON_FIELDS)
    # of images, videos and sounds on the Hub, which no test of ours reads
    _stand_in("fetch_hub_objects_for_ci", url_to_local_path=str)


def load(name: str) -> types.ModuleType:
    """A module of transformers' tests, such as `test_modeling_common`."""
    if PACKAGE not in sys.modules:
        _make_package()
    return importlib.import_module(f"{PACKAGE}.{name}")
