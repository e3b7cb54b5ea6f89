import os
import subprocess
import sys

import huggingface_hub
import pytest
from transformers.utils.hub import hf_api

from hf_ecg.hub import upload
from tests.evaluation import tiny
from tests.hub.loopback import LoopbackHub

# transformers looks for the package with find_spec, Python imports through the finders: neither may see it
_NOT_INSTALLED = """
import importlib.abc, sys
class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "hf_ecg":
            raise ModuleNotFoundError("No module named 'hf_ecg'", name="hf_ecg")
sys.meta_path.insert(0, Absent())
"""


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A Hub of one test's own. Waiting between attempts is left out, and HF_HUB_OFFLINE of the other tests lifted."""
    with LoopbackHub() as started:
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", started.url)
        # transformers keeps the client of its first call, whichever test that was in
        monkeypatch.setattr(hf_api(), "endpoint", started.url)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        template = started.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(upload, "FIRST_WAIT", 0.0)
        monkeypatch.setattr(huggingface_hub.utils._http.time, "sleep", lambda seconds: None)
        yield started


@pytest.fixture
def api(hub):
    return huggingface_hub.HfApi(endpoint=hub.url, token="hf_test")


@pytest.fixture
def reader(hub, tmp_path, repository):
    """Runs Python code as another person's fresh process that knows the Hub by HF_ENDPOINT only."""
    home = tmp_path / "home"
    home.mkdir()

    def run(code: str, package: bool = True, check: bool = True):
        environment = {name: value for name, value in os.environ.items() if "OFFLINE" not in name}
        environment |= {
            "HF_ENDPOINT": hub.url,
            "HF_HOME": str(home),
            "HF_TOKEN": "hf_test",
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "PYTHONPATH": str(repository) if package else "",
        }
        # what is imported here lives as long as the process
        hide = "import gc; gc.disable()\n" + ("" if package else _NOT_INSTALLED)
        done = subprocess.run(
            [sys.executable, "-c", hide + code], env=environment, capture_output=True, text=True, cwd=home
        )
        if check:
            assert done.returncode == 0, done.stderr[-3000:]
        return done

    return run


@pytest.fixture
def dual_run(tmp_path):
    """A run's folder as `save_run` leaves it, with what must not be published beside it."""
    folder = tmp_path / "out"
    model = tiny.dual_encoder()
    model.save_pretrained(folder)
    tiny.processor().save_pretrained(folder)
    model.ecg_model.save_pretrained(folder / "encoder")
    tiny.feature_extractor().save_pretrained(folder / "encoder")
    private = tmp_path / "somebody" / "tiny"
    tiny.write_facts(folder, corpus=str(private))
    (folder / "recipe.yaml").write_text(f"data:\n  sources:\n  - path: {private}\n")
    (folder / "README.md").write_text('---\nlicense: mit\n---\n# Tiny\n\nfrom_pretrained("PATH_OR_ID")\n')
    (folder / "log.jsonl").write_text("{}\n")
    (folder / "patients.csv").write_text("name\n")
    (folder / "checkpoints" / "last").mkdir(parents=True)
    (folder / "checkpoints" / "last" / "state.pt").write_bytes(b"optimiser")
    return folder
