"""The one training loop: order, resume and validation of a run; the engine makes the steps, the method the batches."""

import dataclasses
import math
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import torch
from accelerate.utils import send_to_device
from transformers.utils import logging

from ..evaluation.judging.features import frozen
from ..locks import OutputLock
from ..progress import progress_bar, write_line
from .build import build_parts
from .checkpoint import fingerprint, load_state, save_state
from .engine import Engine
from .frozen_encoder import encode_once
from .interruption import LauncherWatch, StopRequest
from .loading import batch_loader, batch_sampler, begin_epoch, naming_lost_processes, records_of
from .methods import TrainingStart
from .network import WHOLE, set_training_mode
from .processes import Agreement, connect, is_launched, prepare_torch, seed_validation
from .progress import Pending, Progress, SlowSteps
from .recipe import Recipe
from .refusals import REFUSED, RefusedRows, batch_collator
from .run_folder import (
    begin_output,
    check_output,
    check_same_recipe,
    check_same_run,
    load_best,
    run_identity,
    save_recipe,
)
from .saving import save_run
from .tracking import RunLog, StepClock

logger = logging.get_logger(__name__)

# How long a run that is resumed waits for what is left of the one before.
_SECONDS_TO_END = 10.0


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
        InterruptedError: SIGTERM came; the run was saved and can be resumed.
        FloatingPointError: the loss or the gradient is not finite.
    """
    stop = StopRequest()
    try:
        run = naming_lost_processes(TrainingRun)(recipe, Path(output_dir), stop, resume, overwrite)
        try:
            naming_lost_processes(run.train)()
            return naming_lost_processes(run.finish)()
        finally:
            run.close(disconnect)
    finally:
        stop.close()


class TrainingRun:
    """One run. Order of records, views and dropout are functions of the seed and the position in the run."""

    def __init__(self, recipe: Recipe, output_dir: Path, stop: StopRequest, resume: bool, overwrite: bool):
        self.recipe, self.output_dir, self.stop = recipe, output_dir, stop
        self.log = self.bar = self.loader = None
        self.lock = OutputLock(output_dir, _SECONDS_TO_END if resume else 0.0)
        self.watch = LauncherWatch(is_launched(os.environ))
        try:
            self._prepare(resume, overwrite)
        except BaseException:
            self._let_go()
            raise

    def _prepare(self, resume: bool, overwrite: bool) -> None:
        recipe, output_dir = self.recipe, self.output_dir
        self.accelerator = connect(recipe.run, output_dir)
        self.is_main = self.accelerator.is_main_process
        self.agreement = Agreement(self.accelerator)
        self.clock, self.slow_steps = StepClock(self.accelerator.device), SlowSteps()
        if self.is_main:
            self.lock.acquire()
            inputs = [*(source.path for source in recipe.data.sources), *recipe.model.init_from.values()]
            check_output(output_dir, resume, overwrite, inputs)
        self.accelerator.wait_for_everyone()
        if resume:
            check_same_recipe(recipe, output_dir)
        prepare_torch(recipe.run, self.accelerator.num_processes)
        self.parts = build_parts(recipe, self.accelerator)
        self.engine = Engine(self.parts.model, recipe, self.accelerator, self._measure, self.parts.objective)
        self.sampler = batch_sampler(recipe, self.parts, self.accelerator)
        self.steps_per_epoch = self.sampler.batches_per_epoch
        if self.steps_per_epoch == 0:
            few, wanted = len(self.parts.rows), recipe.run.batch_size
            raise ValueError(f"{few} training records give no batch of {wanted}: say run.batch_size={few} or less")
        all_steps = self.steps_per_epoch * recipe.run.epochs
        self.total_steps = min(all_steps, recipe.run.max_steps or all_steps)
        self.engine.begin(self.total_steps)
        self.progress = Progress()
        self.pending: list[Pending] = []
        self._check_first_batch()
        self.identity = self._identity()
        self.put_encoder_back = encode_once(recipe, self.parts, self.is_main)
        self.loader = batch_loader(recipe, self.parts, self.sampler, self.accelerator)
        if self.is_main:
            # not sooner: a recipe that cannot run must not cost the run that was there
            begin_output(output_dir, overwrite, recipe, self.identity)
        self._open(resume)

    def train(self) -> None:
        """Epochs from where the run stands to the end."""
        while self.progress.step < self.total_steps:
            self._train_epoch()
            self._validate()
            self.progress.epoch += 1
            self.progress.batch = 0
            self.save_checkpoint()
            self._end_if_asked()

    def finish(self) -> dict[str, float]:
        """Save the chosen weights: the best ones by the recipe's metric, the last ones without validation."""
        self.put_encoder_back()
        if self.parts.validate is not None:
            # the first process alone judges, so that it alone knows the step
            step = self.progress.best_step if self.is_main else None
            self.engine.load_model(load_best(self._checkpoint("best"), self.run, step)["model"])
            self._save_run()
        else:
            with self.engine.averaged():
                self._save_run()
        self.accelerator.wait_for_everyone()
        self.refusals.tell()
        return dict(self.progress.best_metrics)

    def close(self, disconnect: bool = True) -> None:
        """Close log and progress bar, leave the process group, and let others write the folder."""
        self.loader = None  # ends its processes
        try:
            if self.bar is not None:
                self.bar.close()
            if self.log is not None:
                self.log.close()
            if disconnect:
                self.accelerator.end_training()
        finally:
            self._let_go()

    def _let_go(self) -> None:
        self.lock.release()
        self.watch.close()

    def save_checkpoint(self) -> None:
        """Write `checkpoints/last`, from which the run goes on bit for bit; every process has to call it."""
        state = self.engine.state()
        if self.is_main:
            more = self.identity | {"log_size": self.log.size(), "run": self.run}
            save_state(self._checkpoint("last"), state, dataclasses.asdict(self.progress) | more)
        self.accelerator.wait_for_everyone()

    def _save_run(self) -> None:
        model = self.engine.finished_model()
        if self.is_main:
            model.eval()
            save_run(self.output_dir, model, self.parts, self.recipe, dataclasses.asdict(self.progress))

    def _measure(self, model) -> None:
        """What the method measures of the training rows before step one."""
        parts, measured = self.parts, WHOLE in self.recipe.model.init_from
        freeze = self.recipe.freeze
        start = TrainingStart(model, parts.collator, parts.sources, freeze, measured, self.accelerator)
        parts.method.before_training(start)

    def _check_first_batch(self) -> None:
        collator = batch_collator(self.recipe, self.parts)
        batch = self.engine.model_inputs(collator(self.parts.rows.__getitems__(next(iter(self.sampler)))))
        batch.pop(REFUSED, None)  # met again in the first step
        self.engine.check_batch(batch, self.recipe.method.name)
        with frozen(self.engine.bare):
            self.engine.check_loss(self.engine.bare(**send_to_device(batch, self.accelerator.device)).loss, batch)

    def _train_epoch(self) -> None:
        progress, run = self.progress, self.recipe.run
        set_training_mode(self.engine.bare, self.recipe.freeze)
        begin_epoch(self.sampler, self.recipe, progress, self.log)
        self.clock.restart()
        for batches in self.steps():
            self._train_step(batches)
            if progress.step == self.total_steps or progress.batch == self.steps_per_epoch:
                break
            if len(self.pending) == run.log_every_steps:
                self._look()
            if run.checkpoint_every_steps and progress.step % run.checkpoint_every_steps == 0:
                self._look()
                self.save_checkpoint()
                self.clock.restart()
            if self._asked_to_end():
                self._look()
                self.save_checkpoint()
                self._end_if_asked()
        self._look()

    def steps(self) -> Iterator[list[dict]]:
        """The micro-batches of each step, on the device."""
        loaded = iter(self.loader)
        while batches := list(islice(loaded, self.recipe.run.accumulation)):
            batches = [self.refusals.take(batch) for batch in batches]
            yield [send_to_device(batch, self.accelerator.device, non_blocking=True) for batch in batches]

    def _train_step(self, batches: list[dict]) -> None:
        progress = self.progress
        self.clock.start_work()
        result = self.engine.step(batches, progress.step, self.total_steps)
        self.clock.stop_work(self.recipe.run.batch_size)
        self.pending.append(Pending(progress.step, progress.epoch, progress.batch, result))
        progress.step += 1
        progress.batch += 1
        if self.bar is not None:
            self.bar.update(1)

    def _asked_to_end(self) -> bool:
        """Whether SIGTERM came to any process."""
        return self.agreement.any(self.stop.received is not None)

    def _end_if_asked(self) -> None:
        if self._asked_to_end():
            raise InterruptedError(
                f"stopped by {self.stop.received or 'SIGTERM'} after step {self.progress.step} of {self.total_steps}:"
                f" {self._checkpoint('last')} holds the run, --resume latest goes on with it"
            )

    def _look(self) -> None:
        """Write the pending steps to the log; stop on a loss or gradient that is not finite."""
        if not self.pending:
            return
        self.refusals.look(min(self.progress.step * self.recipe.run.batch_size, len(self.parts.rows)))
        self.progress.refused = self.refusals.known
        losses = torch.stack([item.result.loss.float() for item in self.pending])
        losses = self.accelerator.reduce(losses, "mean").tolist()
        norms = torch.stack([item.result.grad_norm.float() for item in self.pending]).tolist()
        speed = self.clock.read()
        for item, loss, norm in zip(self.pending, losses, norms, strict=True):
            # the fp16 scaler meets infinite gradients on purpose, and skips those steps
            good = math.isfinite(loss) and (math.isfinite(norm) or self.accelerator.scaler is not None)
            if not good:
                raise FloatingPointError(
                    f"step {item.step + 1} (epoch {item.epoch}): the loss is {loss}, the gradient norm {norm}, on the "
                    f"records {records_of(self.recipe, self.parts, item.epoch, item.batch)}"
                )
            if self.log is not None:
                place = {"step": item.step + 1, "epoch": item.epoch}
                self.log.write("train", place | {"loss": loss, "lr": item.result.lr, "grad_norm": norm} | speed)
        if self.log is not None:
            self.log.flush()
            if hint := self.slow_steps.look(self.recipe.run.batch_size / max(speed["records_per_second"], 1e-9)):
                write_line(hint)
            shares = {"records/s": f"{speed['records_per_second']:.0f}", "waiting": f"{speed['waiting']:.0%}"}
            self.bar.set_postfix({"loss": f"{losses[-1]:.4f}"} | shares, refresh=False)
        self.pending.clear()
        self.clock.restart()

    def _validate(self) -> None:
        if self.parts.validate is None:
            return
        together = self.parts.validates_together
        with self.engine.averaged(), self.engine.whole():
            metrics = {}
            if self.is_main or together:
                # the same numbers at every call, whatever was trained in between
                seed_validation(self.recipe.run.seed, self.accelerator.process_index)
                metrics = {name: float(value) for name, value in self.parts.validate(self.engine.bare).items()}
            if together:
                values = torch.tensor(list(metrics.values()), device=self.accelerator.device)
                metrics = dict(zip(metrics, self.accelerator.reduce(values, "mean").tolist(), strict=True))
            better = self._judge(metrics) if self.is_main else False
            if self.agreement.any(better):
                state = {"model": self.engine.trained_state()}
                if self.is_main:
                    progress = dataclasses.asdict(self.progress) | {"run": self.run}
                    save_state(self._checkpoint("best"), state, progress)

    def _judge(self, metrics: dict[str, float]) -> bool:
        """Log a validation, and say whether it is the best so far."""
        section, progress = self.recipe.validation, self.progress
        self.log.write("validation", {"step": progress.step, "epoch": progress.epoch} | metrics)
        value = metrics.get(section.metric)
        if value is None or math.isnan(value):
            raise ValueError(f"validation.metric {section.metric!r} is {value}; measured: {metrics}")
        best = progress.best
        better = best is None or (value > best if section.greater_is_better else value < best)
        if better:
            progress.best, progress.best_metrics = value, metrics
            progress.best_step, progress.best_epoch = progress.step, progress.epoch
        remark = " (best so far)" if better else ""
        write_line(f"epoch {progress.epoch}: {section.metric} {value:.4f}{remark}")
        return better

    def _open(self, resume: bool) -> None:
        """Restore the last checkpoint when resuming, then open log and progress bar."""
        self.accelerator.wait_for_everyone()
        self.run = run_identity(self.output_dir)
        found = load_state(self._checkpoint("last")) if resume else None
        log_size = 0
        if found is not None:
            state, saved = found
            log_size = saved.pop("log_size")
            check_same_run(saved, self.run, self.identity, self._checkpoint("last"))
            self.progress = Progress.saved(saved)
            self.engine.load_state(state)
        elif resume:
            logger.warning("%s holds no checkpoint yet: starting from the beginning", self.output_dir)
        self.refusals = RefusedRows(self.output_dir, self.progress.refused, self.agreement, self.is_main)
        # no process may replace what another one still reads
        self.accelerator.wait_for_everyone()
        if self.is_main:
            save_recipe(self.recipe, self.output_dir)
            self.log = RunLog(self.output_dir, self.accelerator, self.recipe.to_dict(), log_size, self.progress.step)
            self.bar = progress_bar(total=self.total_steps, initial=self.progress.step, unit="step", desc="training")

    def _identity(self) -> dict:
        """What must be as it was for a run to go on bit for bit."""
        return self.parts.identity() | {
            "steps_per_epoch": self.steps_per_epoch,
            "frozen_weights": fingerprint(self.engine.frozen_state()),
            "num_processes": self.accelerator.num_processes,
        }

    def _checkpoint(self, name: str) -> Path:
        return self.output_dir / "checkpoints" / name
