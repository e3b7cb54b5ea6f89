"""What a folder is, read from its JSON files: nothing is loaded."""

from pathlib import Path

from ..pretrained_models import pretrained, pretrained_names
from ..signals.formats import record_endings
from ..strict_json import read_json_object

FACTS, RUN, RECIPE, SUMMARY, CONFIG = (
    "training_facts.json",
    "training_run.json",
    "recipe.yaml",
    "summary.json",
    "config.json",
)
PREPROCESSING = ("preprocessor_config.json", "processor_config.json")


def describe_folder(path: str | Path) -> dict:
    """What a model folder, a run or a prepared corpus is.

    Args:
        path: a folder, the name of a model inside the package, or the Hub id of a model or data set.

    Returns:
        `kind` ("model", "corpus" or "unfinished run") and what its files tell.

    Raises:
        OSError: it is not there, or it is none of these.
        ValueError: it is a file, or one of its JSON files is damaged.
    """
    folder = Path(path)
    if not folder.exists() and str(path) in pretrained_names():
        folder = Path(pretrained(str(path)))
    if not folder.exists() and str(path).count("/") == 1:
        folder = _from_hub(str(path))
    if folder.is_file():
        known = ", ".join(record_endings())
        raise ValueError(
            f"{path} is a file, and none of a record that is read here ({known}): wanted such a file, or the folder of"
            " a model, a run or a prepared corpus"
        )
    if not folder.is_dir():
        raise FileNotFoundError(
            f"{path} is not here: wanted the file of a record, or the folder of a model, a run or a prepared corpus"
        )
    if (folder / SUMMARY).is_file():
        return {"kind": "corpus", "path": str(path)} | _corpus(folder)
    if (folder / CONFIG).is_file():
        return {"kind": "model", "path": str(path)} | _model(folder)
    if (folder / RECIPE).is_file():
        return {"kind": "unfinished run", "path": str(path), "go on": "the same command with --resume latest"}
    raise FileNotFoundError(
        f"{path} holds neither {CONFIG} nor {SUMMARY}: it is neither a model nor a prepared corpus"
    )


def _corpus(folder: Path) -> dict:
    summary = read_json_object(folder / SUMMARY)
    names = ["config", "source", "rows", "patients", "leads", "single_lead", "risk", "hold_out", "withhold"]
    names += ["simulated", "text_source"]
    return {name: summary[name] for name in names if summary.get(name)} | {
        name: sum(summary[name].values()) for name in ("skipped", "left_out") if summary.get(name)
    }


def _model(folder: Path) -> dict:
    config = read_json_object(folder / CONFIG)
    facts = {"class": ", ".join(config.get("architectures") or []) or "not told", "model_type": config["model_type"]}
    network = config.get("ecg_config") or config
    names = ("num_leads", "num_samples", "sampling_rate", "hidden_size")
    facts |= {name: network[name] for name in names if name in network}
    if config.get("problem_type"):
        facts["classes"] = list((config.get("id2label") or {}).values())
    for name in PREPROCESSING:
        if (folder / name).is_file():
            saved = read_json_object(folder / name)
            saved = saved.get("feature_extractor", saved)
            facts["leads"] = saved.get("leads")
            facts["steps"] = [step.get("name") for step in saved.get("steps", [])]
    files = {"encoder alone": "encoder", "training facts": FACTS, "run": RUN, "card": "README.md"}
    facts |= {title: name for title, name in files.items() if (folder / name).exists()}
    if (folder / FACTS).is_file():
        facts["training facts"] = read_json_object(folder / FACTS)
    return facts


def _from_hub(name: str) -> Path:
    """A folder with the small files of a repository."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import RepositoryNotFoundError

    wanted = [CONFIG, SUMMARY, FACTS, RUN, RECIPE, *PREPROCESSING]
    try:
        return Path(snapshot_download(name, allow_patterns=wanted))
    except RepositoryNotFoundError:
        return Path(snapshot_download(name, allow_patterns=wanted, repo_type="dataset"))
