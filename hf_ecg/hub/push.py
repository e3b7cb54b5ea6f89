"""Pushing what a run, a conversion or a script of `dataset_scripts/` left."""

import json
import tempfile
from pathlib import Path

from huggingface_hub import CommitInfo, DatasetCard, HfApi
from huggingface_hub.errors import EntryNotFoundError, RepositoryNotFoundError, RevisionNotFoundError
from transformers.utils import logging

from ..cards import CARD_NAME
from ..data.corpus_card import SUMMARY_NAME
from ..data.shard_checks import SHARDS
from .folders import corpus_files, is_stale_model_file, model_files
from .shim import add_shim
from .upload import commit_files

logger = logging.get_logger(__name__)


def push_run(
    folder,
    repo_id: str,
    private: bool | None = None,
    shim: bool = False,
    revision: str | None = None,
    message: str | None = None,
    api: HfApi | None = None,
) -> CommitInfo:
    """Push a run's folder: the whole model, its processor, `encoder/`, recipe, facts, evaluations and card.

    Checkpoints, optimiser states, logs and everything unknown stay here. Afterwards `AutoModel.from_pretrained(id)`
    loads the model and `AutoModel.from_pretrained(id, subfolder="encoder")` the encoder.

    Args:
        folder: what `training.pretrain`, `hf_ecg.convert` or `save_pretrained` of model and processor wrote.
        repo_id: OWNER/NAME, created when it is not there.
        private: visibility of a new repository.
        shim: also let users load it with `trust_remote_code=True`, see `shim`.
        revision: branch; None is the main one.
        message: of the commit.
        api: client with its endpoint and token.

    Raises:
        OSError: an incomplete folder; or the Hub refuses, or fails again and again: then the branch is as it was.
        ValueError: `shim` for a model of another package.
    """
    files = model_files(folder, repo_id)
    if CARD_NAME not in files:
        raise FileNotFoundError(
            f"{folder} has no card ({CARD_NAME}): `python -m hf_ecg.hub card {folder}` writes one from what is there"
        )
    if shim:
        files = add_shim(files)
    return commit_files(
        repo_id,
        files,
        message or "Push model, processor and card with hf_ecg",
        stale=is_stale_model_file,
        private=private,
        revision=revision,
        api=api,
    )


def push_corpus(
    folder,
    repo_id: str,
    private: bool | None = None,
    revision: str | None = None,
    message: str | None = None,
    api: HfApi | None = None,
) -> CommitInfo:
    """Push a prepared corpus: parquet files, card and summary; `load_dataset(id)` reads it back.

    Other configurations of the data set stay, so that both rates of a corpus may live under one id; card and summary
    are those of the last push.

    Args:
        folder: what a script of `dataset_scripts/` wrote.
        repo_id, private, revision, message, api: see `push_run`.

    Raises:
        OSError: see `push_run`.
    """
    files = corpus_files(folder, repo_id)
    configs = {path.partition("/")[0] for path in files if path.endswith(".parquet")}
    api = api or HfApi()
    for name, merge in ((CARD_NAME, _with_other_configs), (SUMMARY_NAME, _with_other_shards)):
        there = _on_the_hub(name, repo_id, revision, api)
        if there is not None:
            files[name] = merge(files[name], there, configs)

    def stale(path: str) -> bool:
        # shards of an earlier upload would be read beside these
        return path.endswith(".parquet") and path.partition("/")[0] in configs

    return commit_files(
        repo_id,
        files,
        message or "Push corpus with hf_ecg",
        repo_type="dataset",
        stale=stale,
        private=private,
        revision=revision,
        api=api,
    )


def _on_the_hub(name: str, repo_id: str, revision: str | None, api: HfApi) -> str | None:
    """A text of the data set as it is there; None where there is none."""
    # not by way of the cache, whose copy may be of another state
    with tempfile.TemporaryDirectory() as folder:
        try:
            path = api.hf_hub_download(repo_id, name, local_dir=folder, repo_type="dataset", revision=revision)
        except (EntryNotFoundError, RepositoryNotFoundError, RevisionNotFoundError):
            return None
        return Path(path).read_text(encoding="utf-8")


def _with_other_configs(card: bytes, there: str, configs: set[str]) -> bytes:
    """The card, with the configurations that the data set's card on the Hub names besides, and what it tells
    `datasets` of them."""
    old = DatasetCard(there).data.to_dict()
    others = [entry for entry in old.get("configs") or [] if entry.get("config_name") not in configs]
    if not others:
        return card
    merged = DatasetCard(card.decode())
    merged.data["configs"] = [*merged.data["configs"], *({**entry, "default": False} for entry in others)]
    names = {entry["config_name"] for entry in others}
    told = [entry for entry in _as_list(old.get("dataset_info")) if entry.get("config_name") in names]
    merged.data["dataset_info"] = [*_as_list(merged.data.get("dataset_info")), *told]
    return str(merged).encode()


def _as_list(told) -> list[dict]:
    return told if isinstance(told, list) else [] if told is None else [told]


def _with_other_shards(summary: bytes, there: str, configs: set[str]) -> bytes:
    """The summary, with what the one on the Hub knows of the shards of other configurations."""
    merged, old = json.loads(summary), json.loads(there)
    others = {name: facts for name, facts in old.get(SHARDS, {}).items() if name.partition("/")[0] not in configs}
    if not others:
        return summary
    merged[SHARDS] = merged.get(SHARDS, {}) | others
    return (json.dumps(merged, indent=2, ensure_ascii=False) + "\n").encode()
