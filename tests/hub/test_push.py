import hashlib

import numpy as np
import pytest
import torch
from huggingface_hub import HfApi, ModelCard
from huggingface_hub.errors import HfHubHTTPError
from safetensors.torch import load_file, save_file

from hf_ecg import ECGTextModel
from hf_ecg.hub import push_run, write_card
from hf_ecg.hub.__main__ import main
from tests.evaluation import tiny


def pair_logit(folder):
    """Of a run's folder, for one pair."""
    model, processor = ECGTextModel.from_pretrained(folder).eval(), tiny.processor()
    ecg = np.sin(np.arange(1200)).reshape(12, 100)
    with torch.no_grad():
        inputs = processor(
            ecg=ecg, text="sinus rhythm", sampling_rate=100, leads=tiny.LEADS, units="mV", return_tensors="pt"
        )
        return repr(model(**inputs).logits_per_ecg.item())


def change_weights(folder, seed=1):
    model = tiny.dual_encoder(seed)
    model.save_pretrained(folder)
    model.ecg_model.save_pretrained(folder / "encoder")


def test_only_the_model_goes_up_and_no_folder_of_this_machine(hub, api, dual_run):
    push_run(dual_run, "me/tiny", api=api)
    files = hub.files("me/tiny")
    assert set(files) == {
        ".gitattributes",
        "README.md",
        "config.json",
        "encoder/config.json",
        "encoder/model.safetensors",
        "encoder/preprocessor_config.json",
        "model.safetensors",
        "processor_config.json",
        "recipe.yaml",
        "tokenizer.json",
        "tokenizer_config.json",
        "training_facts.json",
    }
    texts = b"".join(content for path, content in files.items() if not path.endswith(".safetensors"))
    assert b"somebody" not in texts and b"path: tiny" in files["recipe.yaml"]
    assert b'from_pretrained("me/tiny")' in files["README.md"]


def test_a_second_push_sends_what_changed_and_takes_away_what_is_gone(hub, api, dual_run):
    push_run(dual_run, "me/tiny", api=api)
    hub.append(hub.repositories["models", "me/tiny"], "main", "by hand", hub.files("me/tiny") | {"picture.png": b"1"})
    sent = hub.count("PUT /lfs/")
    push_run(dual_run, "me/tiny", api=api)
    assert hub.count("PUT /lfs/") == sent and hub.commits("me/tiny")[-1].title == "by hand"
    (dual_run / "tokenizer_config.json").unlink()
    tiny.dual_encoder(1).save_pretrained(dual_run)
    push_run(dual_run, "me/tiny", api=api)
    assert hub.count("PUT /lfs/") == sent + 1
    assert "tokenizer_config.json" not in hub.files("me/tiny") and "picture.png" in hub.files("me/tiny")


@pytest.mark.parametrize(
    ("pattern", "failure"),
    [
        ("PUT /lfs/", {"status": 503}),
        ("PUT /lfs/", {"cut": "before"}),
        ("POST .*/commit/", {"status": 500}),
        ("POST .*/commit/", {"cut": "before"}),
        ("POST .*/preupload/", {"status": 502}),
    ],
)
def test_a_server_that_fails_for_long_leaves_the_earlier_revision(hub, api, dual_run, tmp_path, pattern, failure):
    push_run(dual_run, "me/tiny", api=api)
    before, logit = hub.commits("me/tiny")[-1], pair_logit(dual_run)
    change_weights(dual_run)
    hub.fail(pattern, times=1000, **failure)
    with pytest.raises(OSError, match="not pushed to me/tiny.*is as it was before"):
        push_run(dual_run, "me/tiny", api=api)
    assert hub.commits("me/tiny")[-1] is before
    assert pair_logit(api.snapshot_download("me/tiny", local_dir=tmp_path / "first")) == logit
    hub.failures.clear()
    stored = len(hub.large)
    uploads = hub.count("PUT /lfs/")
    push_run(dual_run, "me/tiny", api=api)
    assert hub.count("PUT /lfs/") - uploads == len(hub.large) - stored
    assert len(hub.commits("me/tiny")) == 3
    assert pair_logit(api.snapshot_download("me/tiny", local_dir=tmp_path / "second")) == pair_logit(dual_run) != logit


def test_the_retry_sends_only_what_is_missing(hub, api, dual_run, monkeypatch):
    content = (dual_run / "model.safetensors").read_bytes()
    whole = hashlib.sha256(content).hexdigest()
    hub.fail(f"PUT /lfs/{whole}", times=1000, status=503)
    with pytest.raises(OSError, match="503"):
        push_run(dual_run, "me/tiny", api=api)
    # nothing but the empty first commit, though the encoder's weights have arrived
    assert len(hub.commits("me/tiny")) == 1 and len(hub.large) == 1
    hub.failures.clear()
    sent = hub.count("PUT /lfs/")
    push_run(dual_run, "me/tiny", api=api)
    assert hub.count("PUT /lfs/") == sent + 1 and hub.calls[-1][1].endswith("/commit/main")


@pytest.mark.parametrize("failure", [{"status": 503}, {"cut": "before"}, {"cut": "after"}])
def test_a_short_failure_at_the_commit_is_overcome_with_one_commit(hub, api, dual_run, failure):
    hub.fail("POST .*/commit/", times=1, **failure)
    push_run(dual_run, "me/tiny", api=api)
    assert len(hub.commits("me/tiny")) == 2 and hub.count("PUT /lfs/") == 2


def test_somebody_elses_commit_in_between_is_not_lost(hub, api, dual_run):
    push_run(dual_run, "me/tiny", api=api)
    change_weights(dual_run)
    real = HfApi.create_commit
    repository = hub.repositories["models", "me/tiny"]
    pending = [{"notes.md": b"by somebody"}]

    def create_commit(self, *args, **kwargs):
        if pending:
            hub.append(repository, "main", "somebody", hub.files("me/tiny") | pending.pop())
        return real(self, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(HfApi, "create_commit", create_commit)
        push_run(dual_run, "me/tiny", api=api)
    titles = [commit.title for commit in hub.commits("me/tiny")]
    assert titles[-2:] == ["somebody", "Push model, processor and card with hf_ecg"]
    assert "notes.md" in hub.files("me/tiny")


def test_a_refusal_is_not_tried_again(hub, api, dual_run):
    hub.fail("POST .*/commit/", times=1000, status=403)
    with pytest.raises(HfHubHTTPError, match="403"):
        push_run(dual_run, "me/tiny", api=api)
    assert hub.count("POST .*/commit/") == 1


def test_a_branch_of_its_own(hub, api, dual_run):
    push_run(dual_run, "me/tiny", revision="second", api=api)
    assert "config.json" in hub.files("me/tiny", branch="second") and "config.json" not in hub.files("me/tiny")


def test_the_command_pushes_and_says_where(hub, dual_run, monkeypatch, capsys):
    monkeypatch.setenv("HF_TOKEN", "hf_test")
    address = main(["push", str(dual_run), "--repo_id", "me/tiny", "--private", "--shim"])
    assert f"made: {address} " in capsys.readouterr().out
    assert address == f"{hub.url}/me/tiny/commit/{hub.commits('me/tiny')[-1].oid}"
    assert hub.repositories["models", "me/tiny"].private and "modeling_hf_ecg.py" in hub.files("me/tiny")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "config.json").unlink(), "has not finished.*--resume latest"),
        (lambda folder: (folder / "model.safetensors").unlink(), "there is no model.safetensors"),
        (lambda folder: cut(folder / "model.safetensors"), "cut off or damaged"),
        (lambda folder: cut(folder / "encoder" / "model.safetensors"), "encoder.*cut off or damaged"),
        (lambda folder: (folder / "processor_config.json").unlink(), "without its preprocessing"),
        (lambda folder: (folder / "README.md").unlink(), "has no card.*hf_ecg.hub card"),
        (lambda folder: (folder / ".model.0123456789ab.incomplete").mkdir(), "not saved to the end"),
        (lambda folder: cut(folder / "config.json"), "config.json is damaged"),
        (lambda folder: spoil(folder / "encoder" / "model.safetensors"), "encoder.*NaN or infinite values in 1 tens"),
    ],
)
def test_what_is_incomplete_is_refused_before_the_hub_hears_of_it(hub, api, dual_run, damage, message):
    damage(dual_run)
    with pytest.raises((OSError, ValueError), match=message):
        push_run(dual_run, "me/tiny", api=api)
    assert not hub.calls


def cut(path):
    path.write_bytes(path.read_bytes()[:-20])


def spoil(path):
    weights = load_file(path)
    next(value for value in weights.values() if value.is_floating_point()).view(-1)[0] = float("nan")
    save_file(weights, path, {"format": "pt"})


@pytest.mark.parametrize(
    ("make", "task"),
    [
        (lambda: tiny.dual_encoder(), "zero-shot-ecg-classification"),
        (lambda: tiny.dual_encoder().ecg_model, "ecg-feature-extraction"),
        (lambda: tiny.classifier(["SR"]), "ecg-classification"),
    ],
    ids=["dual encoder", "encoder", "classifier"],
)
def test_a_bare_model_is_pushed_with_a_card_that_says_how_it_is_loaded(hub, monkeypatch, make, task):
    monkeypatch.setenv("HF_TOKEN", "hf_test")
    model = make()
    tiny.processor().push_to_hub("me/bare")  # leaves a card of transformers, for somebody to fill
    model.push_to_hub("me/bare")
    card = ModelCard(hub.files("me/bare")["README.md"].decode())
    assert card.data.pipeline_tag == task and card.data.library_name == "hf_ecg"
    assert {"ecg", "hf_ecg", model.config.model_type} <= set(card.data.tags)
    assert "import hf_ecg" in card.text and '.from_pretrained("me/bare")' in card.text
    assert "[More Information Needed]" not in card.text


def test_a_card_that_somebody_wrote_keeps_its_text(hub, api, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_test")
    api.create_repo("me/mine")
    api.upload_file(
        path_or_fileobj=b"---\nlicense: mit\ntags: [mine]\n---\n# Mine\n", path_in_repo="README.md", repo_id="me/mine"
    )
    tiny.dual_encoder().ecg_model.push_to_hub("me/mine")
    card = ModelCard(hub.files("me/mine")["README.md"].decode())
    assert card.text.strip() == "# Mine" and card.data.license == "mit" and {"mine", "hf_ecg"} <= set(card.data.tags)


def test_a_runs_card_names_the_task(hub, api, dual_run):
    (dual_run / "recipe.yaml").unlink()
    write_card(dual_run)
    push_run(dual_run, "me/tiny", api=api)
    card = ModelCard(hub.files("me/tiny")["README.md"].decode())
    assert card.data.pipeline_tag == "zero-shot-ecg-classification"
