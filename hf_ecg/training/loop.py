"""The one training loop: any model whose `forward(**batch)` returns `loss`."""

import contextlib
import dataclasses
import math
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

import torch
from accelerate.utils import send_to_device
from torch.utils.data import DataLoader
from tqdm.auto import tqdm
from transformers.utils import logging

from ..data.rows import rows_fingerprint
from ..data.samplers import RecordBatchSampler
from ..version import __version__
from .build import build_parts, validates_together
from .checkpoint import fingerprint, load_state, save_state
from .frozen_text import prepare_texts
from .network import WHOLE, set_training_mode
from .optimizer import WeightAverage, build_optimizer, learning_rate_factor
from .processes import connect, loader_processes, prepare_torch, seed_step, use_one_thread
from .recipe import TEXT_COLLATOR, Recipe
from .run_folder import begin_output, check_output, check_same_recipe
from .saving import save_run
from .tracking import RunLog, StepClock

logger = logging.get_logger(__name__)


@dataclass
class Progress:
    """Where a run stands; saved as JSON with every checkpoint. `step` counts finished steps, `batch` those of them in
    the running `epoch`."""

    step: int = 0
    epoch: int = 0
    batch: int = 0
    best: float | None = None
    best_step: int | None = None
    best_epoch: int | None = None
    best_metrics: dict = field(default_factory=dict)


@dataclass
class _Step:
    """A finished step whose loss has not been looked at yet: on CUDA, looking waits for the device."""

    step: int
    epoch: int
    batch: int
    lr: float
    loss: torch.Tensor
    grad_norm: torch.Tensor


def pretrain(
    recipe: Recipe, output_dir, resume: bool = False, overwrite: bool = False, disconnect: bool = True
) -> dict[str, float]:
    """Train by a recipe and save model, processor, encoder and card.

    Args:
        recipe: what to do.
        output_dir: folder of the run; see `train/pretrain.py` for what it holds in the end.
        resume: go on from the last checkpoint in `output_dir`; from the start when there is none yet.
        overwrite: throw away an earlier run in `output_dir`.
        disconnect: leave the process group at the end; not before the last of several runs in one script.

    Returns:
        The validation metrics of the saved weights (empty without validation).

    Raises:
        ValueError: a recipe that does not fit, or another one than the run to resume; too few processes.
        OSError: `output_dir` holds something and neither `resume` nor `overwrite` is given.
        FloatingPointError: the loss or the gradient is not finite.
    """
    run = Pretraining(recipe, Path(output_dir), resume, overwrite)
    try:
        run.train()
        return run.finish()
    finally:
        run.close(disconnect)


class Pretraining:
    """State of one run. Order of records, views and dropout are functions of the seed and the position in the run."""

    def __init__(self, recipe: Recipe, output_dir: Path, resume: bool, overwrite: bool):
        self.recipe, self.output_dir = recipe, output_dir
        self.accelerator = connect(recipe.run)
        self.is_main = self.accelerator.is_main_process
        self.log = self.bar = self.loader = None
        if self.is_main:
            check_output(output_dir, resume, overwrite)
        self.accelerator.wait_for_everyone()
        if resume:
            check_same_recipe(recipe, output_dir)
        prepare_torch(recipe.run)
        self.parts = build_parts(recipe, self.accelerator.process_index, self.accelerator.num_processes)
        self.bare = self.parts.model.to(self.accelerator.device)
        set_training_mode(self.bare, recipe.freeze)
        if recipe.collator.name == TEXT_COLLATOR:
            frozen = "text_model" in recipe.freeze
            measured = WHOLE in recipe.model.init_from
            prepare_texts(self.bare, self.parts.collator, self.parts.train_data, frozen, self.accelerator, measured)
        optimizer = build_optimizer(self.bare, recipe.optimizer)
        self.model, self.optimizer = self.accelerator.prepare(self.bare, optimizer)
        decay = recipe.run.ema_decay
        self.average = None if decay is None else WeightAverage(self.bare, decay)
        self.trained = [parameter for parameter in self.bare.parameters() if parameter.requires_grad]
        self.sampler = self._sampler(self.accelerator.process_index, self.accelerator.num_processes)
        self.steps_per_epoch = self.sampler.batches_per_epoch
        if self.steps_per_epoch == 0:
            raise ValueError(f"{len(self.parts.train_rows)} records give no batch of {recipe.run.batch_size}")
        self.total_steps = self.steps_per_epoch * recipe.run.epochs
        if recipe.run.max_steps is not None:
            self.total_steps = min(self.total_steps, recipe.run.max_steps)
        self.progress = Progress()
        self.pending: list[_Step] = []
        self.clock = StepClock(self.accelerator.device)
        self.loader = self._loader()
        if self.is_main:
            # not sooner: a recipe that cannot run must not cost the run that was there
            begin_output(output_dir, overwrite)
        self._open(resume)

    def train(self) -> None:
        """Epochs from where the run stands to the end."""
        while self.progress.step < self.total_steps:
            self._train_epoch()
            self._validate()
            self.progress.epoch += 1
            self.progress.batch = 0
            self.save_checkpoint()

    def finish(self) -> dict[str, float]:
        """Save the chosen weights: the best ones by the recipe's metric, the last ones without validation."""
        if self.is_main:
            best = load_state(self._checkpoint("best")) if self.parts.validate is not None else None
            if best is not None:
                self._load_model(best[0]["model"])
            with contextlib.nullcontext() if best is not None else self._averaged():
                self.bare.eval()
                save_run(self.output_dir, self.bare, self.parts, self.recipe, dataclasses.asdict(self.progress))
        self.accelerator.wait_for_everyone()
        return dict(self.progress.best_metrics)

    def close(self, disconnect: bool = True) -> None:
        """Close log and progress bar, and leave the process group."""
        self.loader = None  # ends its processes
        if self.bar is not None:
            self.bar.close()
        if self.log is not None:
            self.log.close()
        if disconnect:
            self.accelerator.end_training()

    def save_checkpoint(self) -> None:
        """Write `checkpoints/last`, from which the run goes on bit for bit."""
        self.accelerator.wait_for_everyone()
        if not self.is_main:
            return
        state = {"model": self._trained_state(), "optimizer": self.optimizer.state_dict()}
        if self.average is not None:
            state["average"] = self.average.state_dict()
        if self.accelerator.scaler is not None:
            state["scaler"] = self.accelerator.scaler.state_dict()
        progress = dataclasses.asdict(self.progress) | self.identity | {"log_size": self.log.size()}
        save_state(self._checkpoint("last"), state, progress)

    def _train_epoch(self) -> None:
        progress, run = self.progress, self.recipe.run
        set_training_mode(self.bare, self.recipe.freeze)
        self.sampler.set_epoch(progress.epoch, progress.batch)
        self.clock.restart()
        for batch in self.loader:
            batch = send_to_device(batch, self.accelerator.device, non_blocking=True)
            self._train_step(batch)
            if progress.step == self.total_steps or progress.batch == self.steps_per_epoch:
                break
            if len(self.pending) == run.log_every_steps:
                self._look()
            if run.checkpoint_every_steps and progress.step % run.checkpoint_every_steps == 0:
                self._look()
                self.save_checkpoint()
                self.clock.restart()
        self._look()

    def _train_step(self, batch: dict) -> None:
        progress, recipe = self.progress, self.recipe
        lr = recipe.optimizer.lr * learning_rate_factor(progress.step, self.total_steps, recipe.schedule)
        for group in self.optimizer.param_groups:
            group["lr"] = lr * group["lr_factor"]
        seed_step(recipe.run.seed, progress.step, self.accelerator.process_index)
        self.clock.start_work()
        loss = self.model(**batch).loss
        self.accelerator.backward(loss)
        limit = math.inf if recipe.optimizer.max_grad_norm is None else recipe.optimizer.max_grad_norm
        grad_norm = self.accelerator.clip_grad_norm_(self.trained, limit)
        self.optimizer.step()
        self.optimizer.zero_grad()
        if self.average is not None:
            self.average.update()
        self.clock.stop_work(recipe.run.batch_size)
        self.pending.append(
            _Step(progress.step, progress.epoch, progress.batch, lr, loss.detach(), grad_norm.detach())
        )
        progress.step += 1
        progress.batch += 1
        if self.bar is not None:
            self.bar.update(1)

    def _look(self) -> None:
        """Write the pending steps to the log; stop on a loss or gradient that is not finite."""
        if not self.pending:
            return
        losses = self.accelerator.reduce(torch.stack([item.loss.float() for item in self.pending]), "mean").tolist()
        norms = torch.stack([item.grad_norm.float() for item in self.pending]).tolist()
        speed = self.clock.read()
        for item, loss, norm in zip(self.pending, losses, norms, strict=True):
            # the fp16 scaler meets infinite gradients on purpose, and skips those steps
            good = math.isfinite(loss) and (math.isfinite(norm) or self.accelerator.scaler is not None)
            if not good:
                raise FloatingPointError(
                    f"step {item.step + 1} (epoch {item.epoch}): the loss is {loss}, the gradient norm {norm}, on the "
                    f"records {self._records_of(item.epoch, item.batch)}"
                )
            if self.log is not None:
                line = {"step": item.step + 1, "epoch": item.epoch, "loss": loss, "lr": item.lr, "grad_norm": norm}
                self.log.write("train", line | speed)
        if self.log is not None:
            self.log.flush()
            shares = {"records/s": f"{speed['records_per_second']:.0f}", "waiting": f"{speed['waiting']:.0%}"}
            self.bar.set_postfix({"loss": f"{losses[-1]:.4f}"} | shares)
        self.pending.clear()
        self.clock.restart()

    def _validate(self) -> None:
        together = validates_together(self.recipe, self.accelerator.num_processes)
        if self.parts.validate is None or not (self.is_main or together):
            return
        section, progress = self.recipe.validation, self.progress
        with self._averaged():
            metrics = {name: float(value) for name, value in self.parts.validate(self.bare).items()}
            if together:
                values = torch.tensor(list(metrics.values()), device=self.accelerator.device)
                metrics = dict(zip(metrics, self.accelerator.reduce(values, "mean").tolist(), strict=True))
            if not self.is_main:
                return
            self.log.write("validation", {"step": progress.step, "epoch": progress.epoch} | metrics)
            value = metrics.get(section.metric)
            if value is None or math.isnan(value):
                raise ValueError(f"validation.metric {section.metric!r} is {value}; measured: {metrics}")
            best = progress.best
            better = best is None or (value > best if section.greater_is_better else value < best)
            if better:
                progress.best, progress.best_metrics = value, metrics
                progress.best_step, progress.best_epoch = progress.step, progress.epoch
                save_state(self._checkpoint("best"), {"model": self._trained_state()}, dataclasses.asdict(progress))
        remark = " (best so far)" if better else ""
        tqdm.write(f"epoch {progress.epoch}: {section.metric} {value:.4f}{remark}", file=sys.stderr)

    def _open(self, resume: bool) -> None:
        """Restore the last checkpoint when resuming, then open log and progress bar."""
        frozen_names = set(self.bare.state_dict()) - set(self._trained_state())
        frozen = {name: value for name, value in self.bare.state_dict().items() if name in frozen_names}
        self.identity = {
            "hf_ecg_version": __version__,
            "records": len(self.parts.train_rows),
            "rows": rows_fingerprint(self.parts.train_data, self.parts.train_rows.columns),
            "steps_per_epoch": self.steps_per_epoch,
            "frozen_weights": fingerprint(frozen),
            "num_processes": self.accelerator.num_processes,
        }
        found = load_state(self._checkpoint("last")) if resume else None
        log_size = 0
        if found is not None:
            state, saved = found
            log_size = saved.pop("log_size")
            for key in ("records", "rows", "steps_per_epoch", "frozen_weights", "num_processes"):
                if saved.get(key) != self.identity[key]:
                    raise ValueError(f"cannot resume: {key} was {saved.get(key)} and is now {self.identity[key]}")
            self.progress = Progress(**{item.name: saved[item.name] for item in dataclasses.fields(Progress)})
            self._load_model(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            if self.average is not None:
                self.average.load_state_dict(state["average"])
            if self.accelerator.scaler is not None:
                self.accelerator.scaler.load_state_dict(state["scaler"])
        elif resume:
            logger.warning("%s holds no checkpoint yet: starting from the beginning", self.output_dir)
        if self.is_main:
            self.recipe.save(self.output_dir / "recipe.yaml.incomplete")
            os.replace(self.output_dir / "recipe.yaml.incomplete", self.output_dir / "recipe.yaml")
            self.log = RunLog(self.output_dir, self.recipe.run.tensorboard, log_size, self.progress.step)
            self.bar = tqdm(total=self.total_steps, initial=self.progress.step, unit="step", desc="training")

    def _loader(self) -> DataLoader:
        workers = loader_processes(self.recipe.run.num_workers, self.accelerator.num_processes)
        if workers:
            os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # its threads do not survive the fork
        return DataLoader(
            self.parts.train_rows,
            batch_sampler=self.sampler,
            collate_fn=self.parts.collator,
            num_workers=workers,
            # forking them anew for every epoch would make it begin with waiting
            persistent_workers=workers > 0,
            # a fork server's workers outlive a killed trainer for ever; forked ones notice within seconds
            multiprocessing_context="fork" if workers and sys.platform == "linux" else None,
            worker_init_fn=use_one_thread,
            # without its own generator every epoch draws a number from the global one
            generator=torch.Generator().manual_seed(self.recipe.run.seed),
            pin_memory=self.accelerator.device.type == "cuda",
        )

    def _sampler(self, rank: int, world_size: int) -> RecordBatchSampler:
        run = self.recipe.run
        size = run.batch_size // world_size
        return RecordBatchSampler(len(self.parts.train_rows), size, run.seed, rank=rank, world_size=world_size)

    def _records_of(self, epoch: int, batch: int) -> str:
        sampler = self._sampler(0, 1)
        sampler.set_epoch(epoch, batch)
        indices = [index for _, index in next(iter(sampler))]
        return ", ".join(str(name) for name in self.parts.train_data.select(indices)["record_id"])

    def _averaged(self):
        return contextlib.nullcontext() if self.average is None else self.average.applied()

    def _trained_state(self) -> dict[str, torch.Tensor]:
        """State without frozen submodules, which come from where the recipe says."""
        prefixes = tuple(f"{name}." for name in self.recipe.freeze)
        return {name: value for name, value in self.bare.state_dict().items() if not name.startswith(prefixes)}

    def _load_model(self, state: dict[str, torch.Tensor]) -> None:
        wanted = set(self._trained_state())
        if set(state) != wanted:
            raise ValueError(f"the checkpoint's tensors differ from the model's: {sorted(set(state) ^ wanted)}")
        self.bare.load_state_dict(state, strict=False)

    def _checkpoint(self, name: str) -> Path:
        return self.output_dir / "checkpoints" / name
