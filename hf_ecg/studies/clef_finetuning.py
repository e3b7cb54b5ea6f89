"""Fine-tuning of whole encoders on CLEF's tasks, in the place of linear probes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from datasets import Dataset
from transformers import AutoFeatureExtractor

from ..evaluation.clef_tasks.task_judge import ClefSettings, NamedModel
from ..evaluation.clef_tasks.task_rows import FoundCorpus, TaskRows, one_lead
from ..evaluation.judging.supervised import RANDOM, REGRESSION, SupervisedJudge
from ..evaluation.loading import checked_source, extractor_of, pick_device
from .finetuning import REPORT, Finetuning, finetune

FULL = "full fine-tuning, the epoch chosen on the validation rows; beside it the same network from random weights"


@dataclass(frozen=True)
class FinetuningJudge:
    """Fine-tunes an encoder on every task of a corpus; what is trained already is taken as it is.

    The head is one linear layer, as CLEF's. Learning rate, epochs and loss are those of `hf-ecg finetune`, not CLEF's:
    they are the same for all encoders.

    Args:
        settings: of the run.
        output_dir: `finetuned/MODEL/TASK` below it are the runs.
        epochs: None is the recipe's.
    """

    settings: ClefSettings
    output_dir: Path
    epochs: int | None = None

    def __call__(
        self,
        corpus: FoundCorpus,
        splits: Mapping[str, Dataset],
        tasks: Sequence[TaskRows],
        model: NamedModel,
        leads: Sequence[str],
    ) -> dict[tuple[str, str], np.ndarray]:
        """Scores of the test rows, as `probe_scores` gives them.

        Raises:
            ValueError: splits by order, which fine-tuning does not have; a lead that must be shown as another one.
            OSError: another process trains there.
        """
        if self.settings.compat_order:
            raise ValueError("fine-tuning splits by folds, wanted compat_order with linear probes")
        extractor = extractor_of(AutoFeatureExtractor.from_pretrained(checked_source(model.folder)))
        shown = one_lead(extractor, leads, self.settings.lead, corpus.name)
        if shown.lead != shown.shown_as:
            raise ValueError(
                f"{corpus.name} has lead {shown.lead}, which {model.name} does not know: for fine-tuning prepare the"
                f" corpus with --lead_name {shown.shown_as}"
            )
        device = pick_device(self.settings.forward.device)
        scores = {}
        for task in tasks:
            folder = self.output_dir / "finetuned" / model.name.replace("/", "_") / task.task.name
            self._train(corpus, task, model, folder, [shown.lead] if len(extractor.leads) > 1 else None)
            judge = SupervisedJudge(splits["test"], task.task.problem, [task.task.column], self.settings.intervals)
            systems = {model.name: folder} | ({model.name + RANDOM: folder / "random"} if self.settings.random else {})
            for system, place in systems.items():
                found = judge.scores(place, device, f"{system}: {task.task.name}")[task.task.column]
                scores[task.task.name, system] = found[:, 0] if task.task.problem == REGRESSION else found
        return scores

    def _train(self, corpus: FoundCorpus, task: TaskRows, model: NamedModel, folder: Path, leads) -> None:
        if (folder / REPORT).is_file():
            return
        regression = task.task.problem == REGRESSION
        asked = Finetuning(
            model=model.folder,
            data=corpus.path,
            output_dir=folder,
            folds={split: list(folds) for split, folds in self.settings.folds.items()},
            config=corpus.config,
            problem=task.task.problem,
            label_sets=() if regression else [task.task.column],
            targets=[task.task.column] if regression else (),
            leads=leads,
            random=self.settings.random,
            intervals=self.settings.intervals,
            overrides=[] if self.epochs is None else [f"run.epochs={self.epochs}"],
        )
        allowed = self.settings.allow_training_folds
        finetune(asked, resume=folder.is_dir(), allow_training_folds=allowed)
