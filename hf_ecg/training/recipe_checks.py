"""Values that a recipe may have."""


def _at_least(section, smallest: int, *names: str) -> list[tuple[bool, str]]:
    values = {name: getattr(section, name) for name in names}
    return [(v is None or v >= smallest, f"run.{n} is {v}, wanted at least {smallest}") for n, v in values.items()]


def check_values(recipe, source: str) -> None:
    """Refuses a recipe whose values are of the right types and still impossible.

    Args:
        recipe: a `Recipe`.
        source: where it came from, for the message.

    Raises:
        ValueError: which value is impossible, and what is wanted.
    """
    run, schedule, optimizer = recipe.run, recipe.schedule, recipe.optimizer
    overlap = set(recipe.data.folds.train) & set(recipe.data.folds.validation)
    checks = [
        *_at_least(
            run, 1, "epochs", "batch_size", "max_steps", "num_threads", "log_every_steps", "checkpoint_every_steps"
        ),
        *_at_least(run, 0, "num_workers"),
        (0 <= run.seed < 2**32, f"run.seed is {run.seed}, wanted 0 to 2**32 - 1"),
        (
            run.mixed_precision in ("no", "bf16", "fp16"),
            f"run.mixed_precision is {run.mixed_precision!r}, wanted no, bf16 or fp16",
        ),
        (run.ema_decay is None or 0 < run.ema_decay < 1, f"run.ema_decay is {run.ema_decay}, wanted between 0 and 1"),
        (
            schedule.name in ("cosine", "cosine_restarts", "linear", "constant"),
            f"schedule.name is {schedule.name!r}, wanted cosine, cosine_restarts, linear or constant",
        ),
        (0 <= schedule.warmup_ratio <= 1, f"schedule.warmup_ratio is {schedule.warmup_ratio}, wanted 0 to 1"),
        (0 <= schedule.final_ratio <= 1, f"schedule.final_ratio is {schedule.final_ratio}, wanted 0 to 1"),
        (
            0 < schedule.first_cycle_ratio <= 1,
            f"schedule.first_cycle_ratio is {schedule.first_cycle_ratio}, wanted above 0 and at most 1",
        ),
        (schedule.cycle_growth >= 1, f"schedule.cycle_growth is {schedule.cycle_growth}, wanted at least 1"),
        (optimizer.lr > 0, f"optimizer.lr is {optimizer.lr}, wanted above 0"),
        (optimizer.weight_decay >= 0, f"optimizer.weight_decay is {optimizer.weight_decay}, wanted 0 or more"),
        (
            optimizer.max_grad_norm is None or optimizer.max_grad_norm > 0,
            f"optimizer.max_grad_norm is {optimizer.max_grad_norm}, wanted above 0 or null",
        ),
        (bool(recipe.data.folds.train), "data.folds.train is empty"),
        (
            recipe.validation is None or bool(recipe.data.folds.validation),
            "data.folds.validation is empty, but there is a validation section",
        ),
        (not overlap, f"folds {sorted(overlap)} are in both data.folds.train and data.folds.validation"),
    ]
    collator, data = recipe.collator, recipe.data
    regression = collator.name == "ecg_regression"
    checks += [
        (
            not collator.single_label or len(data.label_sets) == 1,
            f"collator.single_label wants one of data.label_sets, found {data.label_sets}",
        ),
        (
            regression == bool(data.targets),
            f"data.targets is {data.targets}, collator.name {collator.name!r}: ecg_regression alone wants targets",
        ),
        (
            not (regression and data.label_sets),
            f"data.label_sets is {data.label_sets}, which a regression does not have",
        ),
    ]
    for good, message in checks:
        if not good:
            raise ValueError(f"{source}: {message}")
