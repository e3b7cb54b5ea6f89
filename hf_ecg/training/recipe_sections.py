"""The sections of a recipe: which keys each has, what they mean and which values they may have."""

from dataclasses import dataclass, field

from huggingface_hub.dataclasses import strict

from ..checks import check_one_of
from .data_sections import at_least

GRADIENTS = (PLAIN, CACHED) = ("plain", "cached")
SHARDINGS = (NO_SHARDING, FSDP2) = ("none", "fsdp2")
SCHEDULES = ("cosine", "cosine_restarts", "linear", "constant")


@strict
@dataclass
class ModelSection:
    """The network.

    Args:
        class_: name of a class in hf_ecg's public namespace, or of a transformers Auto class (key `class`).
        config: arguments of its configuration class; nested configurations as nested mappings.
        init_from: submodule name to pretrained weights (Hub id, folder, or `package:NAME/FOLDER`). The
            configuration of such a submodule comes from there. `model` alone: the whole model of an earlier run, with
            its configuration and what it measured of its training texts.
    """

    class_: str
    config: dict = field(default_factory=dict)
    init_from: dict[str, str] = field(default_factory=dict)


@strict
@dataclass
class ProcessorSection:
    """From waveforms and text to a batch: arguments of `ECGFeatureExtractor`, and the tokenizer's source if any."""

    feature_extractor: dict
    tokenizer: str | None = None


@strict
@dataclass
class MethodSection:
    """How the model is fed: one of `training.methods.METHODS` by `name`, and the options that it has."""

    name: str
    options: dict = field(default_factory=dict)


@strict
@dataclass
class ValidationSection:
    """Measured after every epoch; `metric` decides which weights are the best. The keys after `greater_is_better`
    are the validator's own (see `evaluation.judging.validation.build_validation`); null leaves its default."""

    name: str
    metric: str
    greater_is_better: bool
    prompts: list[str] | None = None
    label_sets: list[str] | None = None
    batch_size: int | None = None
    minimum: int | None = None
    cache: bool | None = None

    def validate_counts(self):
        at_least(self, "validation", 1, "batch_size", "minimum")


@strict
@dataclass
class GroupSection:
    """Parameters that are trained otherwise than the rest.

    Args:
        parameters: names of parameters or submodules.
        lr_factor: on the learning rate.
        no_decay: true takes weight decay from them, false gives it to all of them; None leaves it to the rule that
            norms, biases and scalars have none.
    """

    parameters: list[str]
    lr_factor: float = 1.0
    no_decay: bool | None = None

    def validate_group(self):
        if self.lr_factor < 0 or not self.parameters:
            raise ValueError(
                f"optimizer.groups: {self.parameters} with lr_factor {self.lr_factor}, wanted names and 0 or more"
            )


@strict
@dataclass
class OptimizerSection:
    """The optimiser. `max_grad_norm` null = no clipping; norms, biases and scalars are not decayed.

    Args:
        lr: peak learning rate.
        name: see `training.optimizer.OPTIMIZERS`: adamw, adam, sgd, lars, lamb.
        groups: parameters with a learning rate or decay of their own; the longest name that fits counts.
        beta1, beta2, epsilon, momentum: of the optimisers that have them; null is the optimiser's own default.
    """

    lr: float
    name: str = "adamw"
    groups: list[GroupSection] = field(default_factory=list)
    weight_decay: float = 0.01
    beta1: float | None = None
    beta2: float | None = None
    epsilon: float | None = None
    momentum: float | None = None
    max_grad_norm: float | None = 1.0

    def validate_sizes(self):
        if self.lr <= 0:
            raise ValueError(f"optimizer.lr is {self.lr}, wanted above 0")
        if self.weight_decay < 0:
            raise ValueError(f"optimizer.weight_decay is {self.weight_decay}, wanted 0 or more")
        if self.max_grad_norm is not None and self.max_grad_norm <= 0:
            raise ValueError(f"optimizer.max_grad_norm is {self.max_grad_norm}, wanted above 0 or null")


@strict
@dataclass
class ScheduleSection:
    """Learning rate over the run: linear warm-up over `warmup_ratio` of all steps, then `cosine`, `linear` or
    `constant` down to `final_ratio` of the peak. `cosine_restarts` begins again at the peak after
    `first_cycle_ratio` of the rest, and after each cycle, which is `cycle_growth` times as long as the one before
    (arXiv 1608.03983)."""

    name: str = "cosine"
    warmup_ratio: float = 0.1
    final_ratio: float = 0.0
    first_cycle_ratio: float = 0.1
    cycle_growth: float = 2.0

    def validate_schedule(self):
        check_one_of("schedule.name", self.name, SCHEDULES)
        for name in ("warmup_ratio", "final_ratio", "first_cycle_ratio"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"schedule.{name} is {getattr(self, name)}, wanted 0 to 1")
        if self.first_cycle_ratio == 0 or self.cycle_growth < 1:
            raise ValueError(
                f"schedule.first_cycle_ratio is {self.first_cycle_ratio} and cycle_growth {self.cycle_growth},"
                " wanted above 0 and at least 1"
            )


@strict
@dataclass
class RunSection:
    """How the run goes.

    Args:
        epochs: passes over the training records.
        batch_size: records a step over all processes and micro-batches together, so a recipe means the same on any
            number of them.
        max_steps: stop after so many steps; the schedule is stretched over them. None = all of `epochs`.
        accumulation: micro-batches a step; each process works on batch_size / (processes * accumulation) records at a
            time. A loss that compares records sees those of one micro-batch, unless `gradient` is `cached`.
        gradient: `plain`, or `cached`: the loss sees the embeddings of the whole step, whatever the accumulation, for
            an additional forward pass (GradCache, arXiv 2101.06983); for models with a loss on embeddings.
        sharding: `none`, or `fsdp2`: parameters, gradients and optimiser states are shared out over the processes.
        seed: drives initial weights, order of records, views and dropout.
        num_workers: loader processes of each training process; None = one for every two cores that it has, at most
            eight (none on a single core). Which one makes a batch changes nothing in it.
        num_threads: torch threads of each training process; None = as OMP_NUM_THREADS says, or so many that the
            threads of all training processes and their loaders are no more than the cores.
        num_processes: processes the recipe must run on; None accepts any.
        mixed_precision: `no`, `bf16` or `fp16`.
        compile: `torch.compile` the model.
        deterministic: only algorithms that repeat bit for bit (needed on CUDA, where some do not).
        checkpoint_every_steps: resume point within an epoch; one is written after every epoch anyway.
        log_every_steps: steps between two writes of the log (it holds a line for every step) and looks at the loss.
        ema_decay: validate and save an exponential moving average of the weights; None = the weights themselves.
        log_with: trackers of accelerate beside the log in JSON lines: tensorboard, wandb, mlflow, trackio ...
        strict: stop at the first row that the extractor refuses. Otherwise the next one of its corpus takes its place
            and `refused.jsonl` lists it, up to 1 % of the rows; and rows that the corpus's preparation marked as
            unusable are left out.
    """

    epochs: int
    batch_size: int
    max_steps: int | None = None
    accumulation: int = 1
    gradient: str = PLAIN
    sharding: str = NO_SHARDING
    seed: int = 0
    num_workers: int | None = None
    num_threads: int | None = None
    num_processes: int | None = None
    mixed_precision: str = "no"
    compile: bool = False
    deterministic: bool = False
    checkpoint_every_steps: int | None = None
    log_every_steps: int = 10
    ema_decay: float | None = None
    log_with: list[str] = field(default_factory=list)
    strict: bool = False

    def validate_counts(self):
        at_least(self, "run", 1, "epochs", "batch_size", "max_steps", "accumulation", "num_threads", "num_processes")
        at_least(self, "run", 1, "log_every_steps", "checkpoint_every_steps")
        at_least(self, "run", 0, "num_workers")
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"run.seed is {self.seed}, wanted 0 to 2**32 - 1")

    def validate_choices(self):
        check_one_of("run.mixed_precision", self.mixed_precision, ("no", "bf16", "fp16"))
        check_one_of("run.gradient", self.gradient, GRADIENTS)
        check_one_of("run.sharding", self.sharding, SHARDINGS)
        if self.sharding == FSDP2 and (self.gradient == CACHED or self.mixed_precision == "fp16"):
            raise ValueError("run.sharding fsdp2 takes run.gradient plain and run.mixed_precision no or bf16")
        if self.ema_decay is not None and not 0 < self.ema_decay < 1:
            raise ValueError(f"run.ema_decay is {self.ema_decay}, wanted between 0 and 1")
