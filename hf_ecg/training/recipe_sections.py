"""The sections of a recipe: which keys each has, what they mean and which values they may have."""

from dataclasses import dataclass, field

from huggingface_hub.dataclasses import strict

from ..checks import check_one_of

GRADIENTS = (PLAIN, CACHED) = ("plain", "cached")
SHARDINGS = (NO_SHARDING, FSDP2) = ("none", "fsdp2")
SCHEDULES = ("cosine", "cosine_restarts", "linear", "constant")


def _at_least(section, name: str, smallest: int, *fields: str) -> None:
    for item in fields:
        value = getattr(section, item)
        if value is not None and value < smallest:
            raise ValueError(f"{name}.{item} is {value}, wanted at least {smallest}")


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
class FoldsSection:
    """Folds to train on and folds to select on; they may not overlap."""

    train: list[int] = field(default_factory=lambda: [1, 2, 3, 4, 5, 6, 7, 8])
    validation: list[int] = field(default_factory=lambda: [9])

    def validate_folds(self):
        if not self.train:
            raise ValueError("data.sources: folds.train is empty")
        overlap = sorted(set(self.train) & set(self.validation))
        if overlap:
            raise ValueError(f"data.sources: the folds {overlap} are in both folds.train and folds.validation")


@strict
@dataclass
class SourceSection:
    """One corpus.

    Args:
        path: prepared corpus, a local folder or a Hub id. May be left out of a recipe and given on the command line
            (`--data CORPUS`, or `data.sources.0.path=CORPUS`).
        config: its configuration, such as `ptb_xl_100hz`.
        folds: of this corpus.
        weight: share of the records of a batch, relative to the other sources' weights. None for all of them: each
            record of every corpus once an epoch.
    """

    path: str | None = None
    config: str | None = None
    folds: FoldsSection = field(default_factory=FoldsSection)
    weight: float | None = None

    def validate_weight(self):
        if self.weight is not None and self.weight <= 0:
            raise ValueError(f"data.sources: weight is {self.weight}, wanted above 0 or null")


@strict
@dataclass
class ColumnsSection:
    """Which column of the corpora plays which part.

    `risk`, `missing_rate` and `metadata` (columns of numbers, and `sex`) are for the method `view_pairs`.
    `true_texts` and `false_texts`, both or none, are for the method `text_pairs`: label sets whose class names are
    waveform features in words, those that are true of a record and those that are not; in neither: nobody knows.
    """

    text: str = "text"
    true_texts: str | None = None
    false_texts: str | None = None
    risk: str | None = None
    missing_rate: str | None = None
    metadata: list[str] = field(default_factory=list)

    def validate_metadata(self):
        if len(set(self.metadata)) < len(self.metadata):
            raise ValueError(f"data.columns.metadata is {self.metadata}: one is named twice")

    def validate_truth(self):
        if (self.true_texts is None) != (self.false_texts is None):
            raise ValueError(
                f"data.columns: true_texts is {self.true_texts!r} and false_texts {self.false_texts!r}, wanted both"
            )


@strict
@dataclass
class DataSection:
    """The corpora and what is read of them.

    Args:
        sources: one or several corpora.
        label_sets: label-set columns a classifier is trained on; classes of several corpora are matched by name.
        targets: columns of numbers that a regression is trained on, such as `age`; time and event of a survival head.
        leads: leads every record must carry; None accepts any (the feature extractor still checks its own).
        train_percent: train on that share of each corpus's patients, drawn by the run's seed among those that
            the method can use; a smaller share lies inside a larger one. None takes all.
        cache: keep what the deterministic steps make (all steps before the step `views`) in files, and read it from
            there in every later epoch and run with the same steps.
    """

    sources: list[SourceSection] = field(default_factory=lambda: [SourceSection()])
    columns: ColumnsSection = field(default_factory=ColumnsSection)
    label_sets: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    leads: list[str] | None = None
    train_percent: float | int | None = None
    cache: bool = False

    def validate_sources(self):
        if not self.sources:
            raise ValueError("data.sources is empty, wanted at least one corpus")
        weighted = [source.weight is not None for source in self.sources]
        if any(weighted) and not all(weighted):
            raise ValueError("data.sources: some have a weight and some have none, wanted all or none")

    def validate_percent(self):
        if self.train_percent is not None and not 0 < self.train_percent <= 100:
            raise ValueError(f"data.train_percent is {self.train_percent}, wanted above 0 and at most 100")

    def validate_names(self):
        for key in ("label_sets", "targets"):
            names = getattr(self, key)
            if len(set(names)) < len(names):
                raise ValueError(f"data.{key} is {names}: one is named twice")

    def only_source(self, who: str) -> SourceSection:
        """The corpus of a recipe that has one.

        Raises:
            ValueError: it has several, and `who` takes recipes of one.
        """
        if len(self.sources) > 1:
            raise ValueError(f"{who} takes recipes of one corpus, data.sources has {len(self.sources)}")
        return self.sources[0]


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
        _at_least(self, "validation", 1, "batch_size", "minimum")


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
        _at_least(self, "run", 1, "epochs", "batch_size", "max_steps", "accumulation", "num_threads", "num_processes")
        _at_least(self, "run", 1, "log_every_steps", "checkpoint_every_steps")
        _at_least(self, "run", 0, "num_workers")
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
