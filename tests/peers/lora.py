"""LoRA of peft on every model class: `pip install peft`, then `python tests/peers/lora.py`.

Linear layers are reached by `target_modules`. Convolutions of ours compute in a layout of their own, so they are
reached by `target_parameters`, which adapts the weight and leaves the forward pass alone. For each: the adapter
changes the output, trains alone, is the same after saving and loading, and merged gives what it gave before.
"""

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import nn

from tests.peers.peer_models import PeerModelTester, compared_output, families, own_inputs

TOLERANCE = 1e-5


def built(model_class: type) -> tuple[nn.Module, dict]:
    torch.manual_seed(0)
    tester = PeerModelTester(model_class.config_class)
    return model_class(tester.get_config()).eval(), own_inputs(model_class, tester.batch_size)


def output_of(model: nn.Module, inputs: dict, key: str) -> torch.Tensor:
    with torch.no_grad():
        return model(**inputs)[key]


def ways(model: nn.Module) -> dict[str, LoraConfig]:
    """How the layers of this model can be adapted; random adapters, since a new one changes nothing."""
    linear = [name for name, module in model.named_modules() if isinstance(module, nn.Linear)]
    weights = [
        f"{name}.weight" for name, module in model.named_modules() if isinstance(module, (nn.Conv1d, nn.Conv2d))
    ]
    found = {}
    if linear:
        found["linear layers"] = LoraConfig(r=2, init_lora_weights=False, target_modules=linear)
    if weights:
        found["convolutions"] = LoraConfig(r=2, init_lora_weights=False, target_modules=[], target_parameters=weights)
    return found


def difference(found: torch.Tensor, wanted: torch.Tensor) -> float:
    """Largest difference, as a share of the largest wanted number."""
    return ((found - wanted).abs().max() / wanted.abs().max()).item()


def check(model_class: type, config: LoraConfig) -> dict[str, float]:
    model, inputs = built(model_class)
    key = compared_output(model_class)
    plain = output_of(model, inputs, key)
    adapted = get_peft_model(model, config).eval()
    wanted = output_of(adapted, inputs, key)
    adapted(**inputs)[key].pow(2).mean().backward()
    trained = [name for name, parameter in adapted.named_parameters() if parameter.grad is not None]
    with tempfile.TemporaryDirectory() as folder:
        adapted.save_pretrained(folder)
        loaded = PeftModel.from_pretrained(built(model_class)[0], folder).eval()
    return {
        "changed": difference(wanted, plain),
        "merged": difference(output_of(adapted.merge_and_unload(), inputs, key), wanted),
        "loaded": difference(output_of(loaded, inputs, key), wanted),
        "others trained": float(sum("lora_" not in name for name in trained)),
    }


def main() -> int:
    failed = 0
    for model_class in (model_class for classes in families().values() for model_class in classes):
        for name, config in ways(built(model_class)[0]).items():
            found = check(model_class, config)
            good = found["changed"] > TOLERANCE and found["others trained"] == 0
            good = good and max(found["merged"], found["loaded"]) < TOLERANCE
            failed += not good
            numbers = "  ".join(f"{key} {value:.1e}" for key, value in found.items())
            print(f"{'ok  ' if good else 'FAIL'} {model_class.__name__:30} {name:14} {numbers}")
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
