"""torchao and quanto on every model class, and torch.compile: `python tests/peers/quantisation.py`.

Needs `pip install torchao optimum-quanto`. Every class is saved and loaded by `from_pretrained` with torchao's int8
weights, by its `quantization_config`; quantised in place with quanto's; and compiled by inductor. Printed is the
largest difference to the plain model, as a share of its largest output. A class without a linear layer has nothing to
be quantised: a waveform's first layer and convolutions are left as they are by torchao.
"""

import copy
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch
from optimum.quanto import QTensor, freeze, qint8, quantize
from torch import nn
from torchao.quantization import Int8WeightOnlyConfig
from torchao.utils import TorchAOBaseTensor
from transformers import TorchAoConfig

from hf_ecg.models.shared.roles import model_role
from tests.peers.peer_models import PeerModelTester, compared_output, families, own_inputs

# int8 weights of layers of eight channels
TOLERANCE = 0.1


def built(model_class: type) -> tuple[nn.Module, dict]:
    torch.manual_seed(0)
    tester = PeerModelTester(model_class.config_class)
    return model_class(tester.get_config()).eval(), own_inputs(model_class, tester.batch_size)


def by_torchao(model: nn.Module) -> nn.Module:
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        return type(model).from_pretrained(folder, quantization_config=TorchAoConfig(Int8WeightOnlyConfig())).eval()


def by_quanto(model: nn.Module) -> nn.Module:
    model = copy.deepcopy(model)
    quantize(model, weights=qint8)
    freeze(model)
    return model


def linear_layers(model: nn.Module) -> int:
    return sum(isinstance(module, nn.Linear) for module in model.modules())


def main() -> int:
    failed = 0
    ways = {"torchao": (by_torchao, TorchAOBaseTensor), "quanto": (by_quanto, QTensor)}
    ways |= {"compiled": (torch.compile, None)}
    for model_class in (model_class for classes in families().values() for model_class in classes):
        model, inputs = built(model_class)
        key, numbers = compared_output(model_class), []
        with torch.no_grad():
            wanted = model(**inputs)[key]
            for name, (change, kind) in ways.items():
                changed = change(model)
                off = ((changed(**inputs)[key] - wanted).abs().max() / wanted.abs().max()).item()
                made = "" if kind is None else sum(isinstance(p, kind) for p in changed.parameters())
                # a bare ResNet has convolutions alone
                bad = off > TOLERANCE or (made == 0 and linear_layers(model) > 0)
                failed += bad
                numbers.append(f"{'FAIL ' if bad else ''}{name} {off:.1e}{f' of {made} weights' if kind else ''}")
        print(f"{model_class.__name__:30} {model_role(model_class):13}", "  ".join(numbers), flush=True)
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
