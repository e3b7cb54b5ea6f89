"""Adapters of peft on every model class: `pip install peft`, then `python tests/peers/lora.py`.

LoRA and DoRA on linear layers and convolutions by `target_modules`, IA3 on linear layers. For each: the adapter
changes the output, trains alone, is the same after saving and loading, and merged gives what it gave before. peft does
not merge adapters of grouped convolutions ("Merging is not supported for _ConvNd layers with groups > 1"): those are
adapted unmerged, and once more by `target_parameters`, which merges. peft has no IA3 of nn.Conv1d.
"""

import math
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch
from peft import IA3Config, LoraConfig, PeftConfig, PeftModel, get_peft_model
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


def ways(model: nn.Module) -> dict[str, tuple[PeftConfig, bool]]:
    """How the layers of this model can be adapted, and whether peft merges that; random adapters, since a new one
    changes nothing."""
    linear = [name for name, module in model.named_modules() if isinstance(module, nn.Linear)]
    layers = {name: module for name, module in model.named_modules() if isinstance(module, nn.Conv1d)}
    grouped = [name for name, module in layers.items() if module.groups > 1]
    random: dict = {"r": 4, "init_lora_weights": False}
    found: dict[str, tuple[PeftConfig, bool]] = {}
    if linear:
        found["LoRA, linear"] = LoraConfig(**random, target_modules=linear), True
        found["DoRA, linear"] = LoraConfig(**random, target_modules=linear, use_dora=True), True
        found["IA3, linear"] = IA3Config(target_modules=linear, feedforward_modules=[], init_ia3_weights=False), True
    for name, names in (("plain", sorted(set(layers) - set(grouped))), ("grouped", grouped)):
        if names:
            # peft wants ranks that the groups divide
            ranked = random | {"r": math.lcm(4, *(layers[layer].groups for layer in names)), "target_modules": names}
            found[f"LoRA, {name} conv."] = LoraConfig(**ranked), name == "plain"
            found[f"DoRA, {name} conv."] = LoraConfig(**ranked, use_dora=True), name == "plain"
    if grouped:
        weights = [f"{name}.weight" for name in grouped]
        found["LoRA, weights"] = LoraConfig(**random, target_modules=[], target_parameters=weights), True
    return found


def difference(found: torch.Tensor, wanted: torch.Tensor) -> float:
    """Largest difference, as a share of the largest wanted number."""
    return ((found - wanted).abs().max() / wanted.abs().max()).item()


def check(model_class: type, config: PeftConfig, merges: bool) -> dict[str, float]:
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
        "merged": difference(output_of(adapted.merge_and_unload(), inputs, key), wanted) if merges else 0.0,
        "loaded": difference(output_of(loaded, inputs, key), wanted),
        "others trained": float(sum("lora_" not in name and "ia3_" not in name for name in trained)),
    }


def main() -> int:
    failed = 0
    for model_class in (model_class for classes in families().values() for model_class in classes):
        for name, (config, merges) in ways(built(model_class)[0]).items():
            found = check(model_class, config, merges)
            good = found["changed"] > TOLERANCE and found["others trained"] == 0
            good = good and max(found["merged"], found["loaded"]) < TOLERANCE
            failed += not good
            numbers = "  ".join(f"{key} {value:.1e}" for key, value in found.items())
            print(f"{'ok  ' if good else 'FAIL'} {model_class.__name__:30} {name:20} {numbers}")
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
