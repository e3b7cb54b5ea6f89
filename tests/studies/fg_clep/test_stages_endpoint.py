"""FG-CLEP's three stages from the command line, with features asked of a server."""

import json

import pytest
from accelerate.state import AcceleratorState

from hf_ecg.data.corpus import load_corpus
from hf_ecg.studies.fg_clep import stages as stages_module
from tests.enrichment.llm_server import PROMPT, LanguageModelServer
from tests.enrichment.verification.made import ABSENT_P, LONG_PR, WIDE_BEAT
from tests.studies.fg_clep.test_stages import command, script, work  # noqa: F401
from tests.training_fixtures import empty_datasets_cache, fresh_accelerate_state  # noqa: F401


def test_each_report_is_asked_about_once_also_when_it_is_stopped_in_between(script, work, monkeypatch):  # noqa: F811
    (work / "prompt.txt").write_text(PROMPT)

    def settings(server) -> list[str]:
        proposer = {"name": "endpoint", "base_url": server.base_url, "model": "tiny", "prompt": work / "prompt.txt"}
        return command(work, *(f"proposer.{key}={value}" for key, value in proposer.items()))

    def stopped(*arguments, **options):
        raise KeyboardInterrupt

    texts = [text for text in load_corpus(work / "corpus")["text"] if text]
    stop_at, features = 3, [ABSENT_P, WIDE_BEAT, LONG_PR]

    def behave(report: str):
        # a broken key in the middle stops the run, as a kill would
        return 401 if sum(server.calls.values()) > stop_at else json.dumps(features)

    with LanguageModelServer(behave) as server:
        with pytest.raises(PermissionError, match="HF_ECG_API_KEY"):
            script.main([*settings(server), "proposer.concurrency=1"])
        assert sum(server.calls.values()) == stop_at + 1
        refused = [report for report in server.calls if server.calls[report]][-1]
        server.behave = lambda report: json.dumps(features)
        with monkeypatch.context() as patch:
            patch.setattr(stages_module, "verify", stopped)
            AcceleratorState._reset_state(reset_partial_state=True)
            with pytest.raises(KeyboardInterrupt):
                script.main(settings(server))
        once = {text: 1 for text in texts}
        assert len(once) < len(texts) and server.calls == once | {refused: 2}
        AcceleratorState._reset_state(reset_partial_state=True)
        folder = script.main(settings(server))
        assert server.calls == once | {refused: 2}
    summary = json.loads((work / "OUT/proposals/proposals_summary.json").read_text())
    assert (summary["records"], summary["distinct"]) == (len(texts), len(once))
    rows = load_corpus(work / "OUT/corpus")
    proposed = [{entry["feature"] for entry in row} for row in rows["waveform_features"]]
    assert all(found == (set(features) if text else set()) for found, text in zip(proposed, rows["text"], strict=True))
    page = json.loads((work / "OUT/corpus/verification.json").read_text())
    assert page["answers"] == {"reports": len(once), "malformed": 0} and page["kept"] > 0
    assert (folder / "model.safetensors").is_file()
