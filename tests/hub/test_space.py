"""A Space from the command to a page that answers: pushed, fetched by somebody else, started, and asked."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

import hf_ecg
from hf_ecg.cli import call

SPACE = "me/ecg-demo"
# gradio's routes: an event is put into the queue, and its answer comes as a stream
JOIN, DATA, CONFIG = "gradio_api/queue/join", "gradio_api/queue/data", "config"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def opened(url, data=None, seconds=90):
    body = None if data is None else json.dumps(data).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    return urllib.request.urlopen(request, timeout=seconds)


def waited_for(process, address, seconds=180):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert process.poll() is None, process.stderr.read()[-3000:]
        try:
            return opened(address, seconds=5)
        except OSError:
            time.sleep(0.5)
    raise AssertionError(f"{address} did not answer in {seconds} s")


@pytest.mark.large
def test_a_pushed_space_starts_and_answers(hub, reader, tmp_path, repository, monkeypatch):
    pytest.importorskip("gradio")
    monkeypatch.setenv("HF_TOKEN", "hf_test")
    shutil.copytree(hf_ecg.pretrained("ecg-text-small"), tmp_path / "own")
    call("push", [str(tmp_path / "own"), "--space", "--repo_id", SPACE])
    assert {"app.py", "README.md", "requirements.txt", "model/model.safetensors"} <= set(hub.files(SPACE, "spaces"))
    assert str(tmp_path).encode() not in b"".join(hub.files(SPACE, "spaces").values())
    program = f"import huggingface_hub as h; h.snapshot_download({SPACE!r}, repo_type='space', local_dir='space')"
    ((status, _, errors),) = reader(program)
    assert status == 0, errors
    port = free_port()
    address = f"http://127.0.0.1:{port}/"
    environment = os.environ | {"GRADIO_SERVER_PORT": str(port), "PYTHONPATH": str(repository), "HF_HUB_OFFLINE": "1"}
    process = subprocess.Popen(
        *([sys.executable, "app.py"],), cwd=tmp_path / "home/space", env=environment, stderr=subprocess.PIPE, text=True
    )
    try:
        assert "default-src 'self'" in waited_for(process, address).headers["content-security-policy"]
        config = json.load(opened(address + CONFIG))
        first = next(one for one in config["components"] if one["props"].get("elem_id") == "first-line")
        assert "Research use only" in first["props"]["value"]
        (button,) = [one["id"] for one in config["components"] if one["props"].get("elem_id") == "example"]
        (event,) = [one["id"] for one in config["dependencies"] if [button, "click"] in one["targets"]]
        opened(address + JOIN, {"data": [""], "fn_index": event, "session_hash": "one"})
        told = opened(address + f"{DATA}?session_hash=one").read().decode()
        assert "process_completed" in told and "sinus rhythm" in told and "data:image/png" in told
    finally:
        process.terminate()
        process.wait(30)
