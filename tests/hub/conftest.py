import json
import os
import subprocess
import sys

import huggingface_hub
import pytest
from transformers.utils.hub import hf_api

from hf_ecg.hub import upload
from tests.evaluation import tiny
from tests.hub.loopback import LoopbackHub

# A program is a fork of one Python, which has imported what takes the longest and nothing of this package.
_FORKED = """
import gc, json, os, sys
gc.disable()
import datasets, torch, transformers.models.bert.modeling_bert, transformers.models.bert.tokenization_bert
assert "hf_ecg" not in sys.modules
programs, statuses = json.load(sys.stdin), []
for number, program in enumerate(programs):
    if (child := os.fork()) == 0:
        for place, end in ((1, "out"), (2, "err")):
            os.dup2(os.open(f"{number}.{end}", os.O_WRONLY | os.O_CREAT), place)
        status = 1
        try:
            exec(program, {"__name__": "__main__"})
            status = 0
        except BaseException:
            import traceback
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    statuses.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(json.dumps(statuses))
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
    """Runs Python programs as another person's fresh processes, which know the Hub by HF_ENDPOINT only.

    Of each its exit code, what it says, and what it says of errors.
    """
    home = tmp_path / "home"
    home.mkdir()

    def run(*programs: str) -> list[tuple[int, str, str]]:
        environment = {name: value for name, value in os.environ.items() if "OFFLINE" not in name}
        environment |= {
            "HF_ENDPOINT": hub.url,
            "HF_HOME": str(home),
            "HF_TOKEN": "hf_test",
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "PYTHONPATH": str(repository),
        }
        line, given = [sys.executable, "-c", _FORKED], json.dumps(programs)
        done = subprocess.run(line, input=given, env=environment, capture_output=True, text=True, cwd=home)
        assert done.returncode == 0, done.stderr[-3000:]
        texts = [[(home / f"{number}.{end}").read_text() for end in ("out", "err")] for number in range(len(programs))]
        return [(status, *both) for status, both in zip(json.loads(done.stdout), texts, strict=True)]

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
