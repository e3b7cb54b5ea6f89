"""transformers' Trainer on every head and pretraining model: `python tests/peers/trainer.py`.

Thirty-two records in two updates, plain SGD in float64, beside a loop of four lines: with
`gradient_accumulation_steps` of 1 and of 4, and on two processes by

    ACCELERATE_USE_CPU=true torchrun --nproc_per_node 2 tests/peers/trainer.py

What is printed is how far the weights end from the loop's, as a share of how far they moved, and how far the reported
losses are from its own. BatchNorm has other statistics on a part of a batch, so models are in evaluation mode. A loss
over pairs sees the pairs of a part of the batch only: the loop takes the same parts.
"""

import inspect
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch
from torch import nn
from transformers import PrinterCallback, Trainer, TrainingArguments

from hf_ecg.models.shared.roles import model_role
from tests.peers.peer_models import families, own_config, own_inputs

ROWS, UPDATES, RATE, STEPS = 32, 2, 0.05, (1, 4)
# the Trainer rounds what it reports
TOLERANCE = 1e-4


class SteadyTrainer(Trainer):
    """The Trainer with its model in evaluation mode and the records in their order."""

    def training_step(self, model, inputs, num_items_in_batch=None):
        nn.Module.eval(model)
        model.train = lambda mode=True: model
        return super().training_step(model, inputs, num_items_in_batch)

    def _get_train_sampler(self, *args, **kwargs):
        return torch.utils.data.SequentialSampler(self.train_dataset)


def labels(kind: str) -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    if kind == "single_label_classification":
        return torch.randint(0, 3, (ROWS,), generator=generator)
    if kind == "regression":
        return torch.randn(ROWS, 3, generator=generator, dtype=torch.float64)
    values = torch.randint(0, 2, (ROWS, 3), generator=generator).double()
    values[::2, 0] = float("nan")  # not annotated, as many in each part of a batch
    return values


def built(model_class: type, kind: str | None) -> tuple[nn.Module, dict]:
    torch.manual_seed(0)
    config, inputs = own_config(model_class), own_inputs(model_class, ROWS)
    if kind is not None:
        config.num_labels, config.problem_type = 3, kind
        inputs["labels"] = labels(kind)
    doubled = {key: value.double() if value.is_floating_point() else value for key, value in inputs.items()}
    return model_class(config).double().eval(), doubled


def collate(rows: list[dict], extra: dict) -> dict:
    return {key: torch.stack([row[key] for row in rows]) for key in rows[0]} | extra


def by_loop(model_class: type, kind: str | None, extra: dict, steps: int) -> tuple[dict[str, torch.Tensor], list]:
    """Weights, and the loss of each update."""
    model, inputs = built(model_class, kind)
    size, losses = ROWS // UPDATES // steps, []
    for update in range(UPDATES):
        model.zero_grad()
        parts = [slice(start * size, (start + 1) * size) for start in range(update * steps, (update + 1) * steps)]
        loss = sum(model(**{key: value[part] for key, value in inputs.items()}, **extra).loss for part in parts)
        (loss / steps).backward()
        losses.append(loss.item() / steps)
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.grad is not None:
                    parameter -= RATE * parameter.grad
    return {name: parameter.detach() for name, parameter in model.named_parameters()}, losses


def by_trainer(model_class: type, kind: str | None, extra: dict, steps: int) -> tuple[dict[str, torch.Tensor], list]:
    model, inputs = built(model_class, kind)
    rows = [{key: value[row] for key, value in inputs.items()} for row in range(ROWS)]
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            per_device_train_batch_size=ROWS // UPDATES // steps // processes,
            gradient_accumulation_steps=steps,
            num_train_epochs=1,
            optim="sgd",
            learning_rate=RATE,
            lr_scheduler_type="constant",
            max_grad_norm=0.0,
            use_cpu=True,
            report_to=[],
            save_strategy="no",
            logging_steps=1,
            disable_tqdm=True,
            remove_unused_columns=False,
        )
        trainer = SteadyTrainer(
            model=model, args=arguments, train_dataset=rows, data_collator=lambda chosen: collate(chosen, extra)
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    losses = [line["loss"] for line in trainer.state.log_history if "loss" in line]
    return {name: parameter.detach() for name, parameter in model.named_parameters()}, losses


def distance(found: dict, wanted: dict) -> float:
    """Largest difference of a weight."""
    return max((found[name] - wanted[name]).abs().max().item() for name in wanted)


def cases(quick: bool = False):
    """Class, problem type, and what else makes it give a loss.

    quick: a head for each problem type and way to the loss, which families share.
    """
    kinds, seen = ["single_label_classification", "multi_label_classification", "regression"], set()
    for model_class in (model_class for classes in families().values() for model_class in classes):
        if model_role(model_class) == "classifier":
            for kind in kinds:
                if not quick or (model_class.forward, kind) not in seen:
                    seen.add((model_class.forward, kind))
                    yield model_class, kind, {}
                    if quick:
                        break
        elif model_role(model_class) not in ("encoder", "survival model", "delineation"):
            takes = inspect.signature(model_class.forward).parameters
            yield model_class, None, {"return_loss": True} if "return_loss" in takes else {}


def differences(model_class: type, kind: str | None, loops: dict) -> dict[str, float]:
    """Of weights, and of losses, for each number of steps; both shares of what was wanted."""
    begun, found = dict(built(model_class, kind)[0].named_parameters()), {}
    for steps, (extra, (weights, losses)) in loops.items():
        trained, reported = by_trainer(model_class, kind, extra, steps)
        found[f"{steps}: weights"] = distance(trained, weights) / distance(weights, begun)
        found[f"{steps}: loss"] = max(abs(a - b) / abs(b) for a, b in zip(reported, losses, strict=True))
    return found


def main(quick: bool) -> int:
    # before the Trainer joins the processes: afterwards a loss over pairs would gather the loop's rows of all of them
    tried = STEPS[-1:] if quick else STEPS
    loops = [(case[:2], {steps: (case[2], by_loop(*case, steps)) for steps in tried}) for case in cases(quick)]
    failed = 0
    for (model_class, kind), of_case in loops:
        found = differences(model_class, kind, of_case)
        bad = max(found.values()) > TOLERANCE
        failed += bad
        if os.environ.get("RANK", "0") == "0":
            numbers = "  ".join(f"{name} {value:.0e}" for name, value in found.items())
            print(f"{'FAIL' if bad else 'ok  '} {model_class.__name__:30} {kind or 'its own':27} {numbers}")
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main("--quick" in sys.argv))
