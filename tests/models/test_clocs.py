"""CLOCS: what is converted and refused, what length and padding do, and its recipe. Needs no golden data."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel, set_seed

from hf_ecg import CLOCSConfig, CLOCSModel, ECGContrastiveConfig, ECGFeatureExtractor, ECGForContrastivePreTraining
from hf_ecg.convert import convert_checkpoint, write_converted
from hf_ecg.data.collators import ECGContrastiveCollator
from hf_ecg.losses import clocs_loss
from hf_ecg.models.clocs.convert_clocs import our_name
from hf_ecg.recipes_found import find_recipe
from hf_ecg.signals.leads import STANDARD_LEADS
from hf_ecg.training.build import check_input
from hf_ecg.training.network import build_model
from hf_ecg.training.recipe import load_recipe
from tests.models.published_clocs import original_embedding, original_state


def build(**options):
    set_seed(0)
    return CLOCSModel(CLOCSConfig(**options)).eval()


def test_it_has_as_many_parameters_as_the_paper_says():
    assert sum(parameter.numel() for parameter in build().parameters()) == 45_304


def test_every_tensor_is_where_the_description_has_it():
    state = original_state()
    model, extractor = convert_checkpoint("clocs", {"state_dict": {f"module.{k}": v for k, v in state.items()}})
    ours = model.state_dict()
    for key, value in state.items():
        assert torch.equal(ours.pop(our_name(key)), value), key
    assert not ours and extractor.num_samples == 2500


def test_the_committed_file_gives_what_plain_convolutions_do(tmp_path):
    folder = Path(__file__).parent.parent / "checkpoints" / "clocs_original_tiny"
    expected = np.load(folder / "expected.npz")
    written = write_converted("clocs", folder / "clocs.pth", tmp_path / "out")
    model = AutoModel.from_pretrained(written).eval()
    assert type(model) is CLOCSModel and model.config.hidden_size == 16
    with torch.no_grad():
        outputs = model(torch.from_numpy(expected["ecg"]))
    np.testing.assert_allclose(outputs.pooler_output, expected["embedding"], rtol=1e-5, atol=1e-6)
    added = outputs.last_hidden_state.sum(1) + model.embedding.bias
    torch.testing.assert_close(added, outputs.pooler_output)
    card = (written / "README.md").read_text()
    assert "license: cc-by-nc-sa-4.0" in card and "non-commercial use" in card


def test_a_shorter_record_is_filled_up_and_a_longer_one_refused():
    state = original_state()
    model, _ = convert_checkpoint("clocs", state)
    values = torch.rand(2, 1, 2000)
    mask = torch.ones(2, 2500, dtype=torch.bool)
    mask[:, 2000:] = False
    whole = torch.nn.functional.pad(values, (0, 500))
    with torch.no_grad():
        found = model(values).pooler_output
        masked = model(whole + 3 * ~mask[:, None], sample_mask=mask).pooler_output
    torch.testing.assert_close(found, original_embedding(state, whole), rtol=1e-4, atol=1e-5)
    assert torch.equal(found, masked)
    with pytest.raises(ValueError, match="2501 samples, wanted at most 2500.*10 positions"):
        model(torch.zeros(1, 1, 2501))


def test_what_is_no_checkpoint_of_it_is_refused():
    state = original_state()
    with pytest.raises(ValueError, match=r"8 keys are missing|are unknown .*view_modules.1"):
        convert_checkpoint("clocs", original_state(encoders=2))
    lacking = {"view_modules.0.5.bias": "blocks.0.convolution.bias", "view_modules.0.1.weight": "stem.norm"}
    for key, name in lacking.items():
        with pytest.raises(ValueError, match=f"1 keys are missing .{name}"):
            convert_checkpoint("clocs", {other: value for other, value in state.items() if other != key})
    with pytest.raises(ValueError, match="1 are unknown .head.weight"):
        convert_checkpoint("clocs", state | {"head.weight": torch.zeros(1)})
    with pytest.raises(ValueError, match=r"stem.convolution.weight \(4, 12, 7\) instead of \(4, 1, 7\)"):
        convert_checkpoint("clocs", state | {"view_modules.0.0.weight": torch.zeros(4, 12, 7)})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_samples": 300}, "num_samples is 300: 3 convolutions of 7 and stride 3 leave nothing"),
        ({"widths": [4]}, r"widths is \[4\], wanted two numbers or more"),
        ({"widths": [4, 0]}, r"widths is \[4, 0\]"),
        ({"stride": 0}, "stride is 0"),
        ({"dropout": 1.5}, "dropout is 1.5"),
    ],
)
def test_impossible_configurations_are_refused(options, message):
    with pytest.raises(Exception, match=message):
        CLOCSConfig(**options)


def test_leads_are_views_of_the_encoder():
    """CMLC: four leads of three records, each seen alone, every pair of leads compared."""
    set_seed(0)
    config = ECGContrastiveConfig(ecg_config=CLOCSConfig(hidden_size=16), loss_type="clocs", temperature=0.1)
    model = ECGForContrastivePreTraining(config).eval()
    leads, ids = torch.rand(3, 4, 1, 2500), torch.tensor([1, 2, 1])
    with torch.no_grad():
        outputs = model(leads[:, 0], second_input_values=leads[:, 1:], patient_ids=ids, return_loss=True)
        alone = torch.stack([model.ecg_model(lead).pooler_output for lead in leads.unbind(1)], dim=1)
    alone = torch.nn.functional.normalize(alone, dim=-1)
    torch.testing.assert_close(outputs.loss, clocs_loss(alone, 0.1, patient_ids=ids))


def test_the_recipe_cuts_halves_that_the_network_takes():
    recipe = load_recipe(find_recipe("clocs"), ["data.sources.0.path=CORPUS"])
    head = find_recipe("clocs").read_text().partition("model:\n")[0]
    assert "train/recipes/clocs.yaml" in head and "Protocol" in head and "arXiv 2005.13249" in head
    extractor = ECGFeatureExtractor(**recipe.processor.feature_extractor)
    model = build_model(recipe.model).train()
    check_input(model, extractor)
    options = dict(recipe.method.options)
    collator = ECGContrastiveCollator(extractor, **options)
    signals = np.random.default_rng(0).normal(size=(12, 5000))
    counts = np.round(1000 * signals).astype(np.int16)
    rows = [
        {
            "record_id": str(number),
            "patient_id": patient,
            "signal": counts.flatten(),
            "num_samples": 5000,
            "sampling_rate": 500,
            "leads": list(STANDARD_LEADS),
            "gain": [1000.0] * 12,
            "baseline": [0] * 12,
            "epoch": 0,
            "record_index": number,
        }
        for number, patient in enumerate("aab")
    ]
    batch = collator(rows)
    first, second = batch["input_values"], batch["second_input_values"]
    assert first.shape == second.shape == (3, 1, 2500) and not torch.equal(first, second)
    for values in (first, second):
        assert values.min() == 0 and values.max() == pytest.approx(1, abs=1e-6)
    assert model(**batch).loss.isfinite()
