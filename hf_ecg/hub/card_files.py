"""Writing a model's card, its `.eval_results` and the evaluations they come from into the model's folder."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import yaml
from huggingface_hub import ModelCard, eval_result_entries_to_yaml

from ..cards import CARD_NAME
from ..evaluation.reports.card_section import eval_results, judged_system, read_report
from ..files import atomic_file
from ..training.run_card import model_card, read_run

EVALUATION = "evaluation"


def write_card(
    folder,
    evaluation: Sequence = (),
    licence: str | None = None,
    title: str | None = None,
    dataset_id: str | None = None,
) -> Path:
    """Write README.md anew; a line that was added by hand is lost.

    The reports are copied to `folder/evaluation/` and stay there: a later call without `evaluation` uses them again.

    Args:
        folder: of the model.
        evaluation: reports of `train/zero_shot.py` and `train/linear_probe.py` that judge these weights.
        licence: of the weights, as the Hub writes it; None keeps the one of the card that is there.
        title: heading; None takes the class.
        dataset_id: of the evaluated corpus on the Hub, to which `.eval_results` refer; None writes them only for
            reports on a corpus that was read from the Hub.

    Raises:
        ValueError: a report on other weights, a file that is none, or two of one name.
        OSError: no model in the folder.
    """
    folder = Path(folder)
    reports = [Path(path) for path in evaluation] or sorted((folder / EVALUATION).glob("*.json"))
    names = [path.name for path in reports]
    if len(set(names)) < len(names):
        raise ValueError(f"two reports have the same file name: {sorted(names)}")
    text = model_card(folder, reports, licence or _licence(folder), title)
    contents = {path.name: read_report(path) for path in reports}
    for path in reports:
        if path.resolve() != (folder / EVALUATION / path.name).resolve():
            (folder / EVALUATION).mkdir(exist_ok=True)
            shutil.copyfile(path, folder / EVALUATION / path.name)
    for path in folder.glob(".eval_results/hf_ecg_*.yaml"):
        path.unlink()
    for name, report in ({} if read_run(folder)["simulated"] else contents).items():
        entries = eval_results(report, judged_system(report, folder, name), dataset_id)
        if entries:
            target = folder / ".eval_results" / f"hf_ecg_{Path(name).stem}.yaml"
            target.parent.mkdir(exist_ok=True)
            lines = yaml.safe_dump(eval_result_entries_to_yaml(entries), sort_keys=False, allow_unicode=True)
            target.write_text(lines, encoding="utf-8")
    with atomic_file(folder / CARD_NAME) as file:
        file.write(text)
    return folder / CARD_NAME


def _licence(folder: Path) -> str | None:
    path = folder / CARD_NAME
    return ModelCard.load(path).data.license if path.is_file() else None
