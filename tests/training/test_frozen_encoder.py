"""A frozen encoder sees every record once, and the head is what it would be otherwise."""

import pytest
import torch
from safetensors.torch import load_file

from hf_ecg import ECGResNetModel, STMEMModel
from hf_ecg.training import pretrain
from hf_ecg.training.finetune import finetuning_recipe
from hf_ecg.training.frozen_encoder import RememberedEncoder
from tests.models.tiny.st_mem import st_mem_config
from tests.training.test_finetune import ZSCORE, data, save_encoder  # noqa: F401
from tests.training.test_refused_rows import BAD, corpus_with, refused

QUICK = ["run.epochs=2", "run.batch_size=8", "run.num_workers=0", "run.num_threads=1"]
# a view that changes nothing, so that every epoch asks the encoder again
SAME = ["method.options.views=[{name: amplitude_scale, factor: [1.0, 1.0]}]"]


@pytest.fixture
def asked(monkeypatch):
    """How many records every call of an encoder is asked about, while nothing of it is trained."""
    found, forward = [], ECGResNetModel.forward

    def counting(self, input_values, **inputs):
        found.append(len(input_values))
        return forward(self, input_values, **inputs)

    monkeypatch.setattr(ECGResNetModel, "forward", counting)
    return found


def trained(tmp_path, name, source, data, *overrides, **options):  # noqa: F811
    minimum = ["validation.minimum=2"] if "label_sets" in options else []
    recipe = finetuning_recipe(source, frozen=True, overrides=[*data, *QUICK, *minimum, *overrides], **options)
    best = pretrain(recipe, tmp_path / name)
    return best, load_file(tmp_path / name / "model.safetensors")


@pytest.mark.parametrize("task", [{"label_sets": ["form"]}, {"problem": "regression", "targets": ["fold"]}])
def test_the_head_is_what_it_is_when_every_epoch_asks_again(tmp_path, corpus, data, asked, task):  # noqa: F811
    source = save_encoder(tmp_path / "encoder", ZSCORE)
    gappy = "label_sets" in task  # with rows that the extractor refuses
    if gappy:
        data = [*data[1:], f"data.sources.0.path={corpus_with(corpus, tmp_path / 'corpus', BAD)}"]
    drop = [] if "label_sets" in task else ["model.config.classifier_dropout=0.3"]
    best, weights = trained(tmp_path, "once", source, data, *drop, **task)
    once = sum(asked)
    asked.clear()
    other_best, others = trained(tmp_path, "again", source, data, *drop, *SAME, **task)
    tried, unused = 8, 2 * len(BAD) if gappy else 0  # a batch before the first step; others take refused ones' places
    assert 2 * (once - tried) + unused == sum(asked) - tried
    assert best == pytest.approx(other_best, rel=1e-4, nan_ok=True)
    assert weights.keys() == others.keys()
    if gappy:
        told = [refused(tmp_path / name) for name in ("once", "again")]
        assert {row["record"] for row in told[0]} == {f"record-{number}" for number in BAD} and told[0] == told[1]
    for name, value in weights.items():
        torch.testing.assert_close(value, others[name], rtol=1e-3, atol=1e-5)


def test_a_run_goes_on_where_it_was(tmp_path, data, asked):  # noqa: F811
    source = save_encoder(tmp_path / "encoder", ZSCORE)
    _, weights = trained(tmp_path, "run", source, data, label_sets=["form"])
    (tmp_path / "run" / "model.safetensors").unlink()
    recipe = finetuning_recipe(
        source, frozen=True, label_sets=["form"], overrides=[*data, *QUICK, "validation.minimum=2"]
    )
    pretrain(recipe, tmp_path / "run", resume=True)
    again = load_file(tmp_path / "run" / "model.safetensors")
    assert all(torch.equal(value, again[name]) for name, value in weights.items())


@pytest.mark.parametrize("mask", ["lead_mask", "sample_mask"])
def test_equal_waveforms_with_different_masks_are_two_records(mask):
    torch.manual_seed(0)
    encoder = STMEMModel(st_mem_config()).eval()
    waveforms = torch.randn(1, 12, encoder.config.num_samples).repeat(3, 1, 1)
    masks = torch.ones((3, waveforms.shape[1] if mask == "lead_mask" else waveforms.shape[2]), dtype=torch.bool)
    masks[1, masks.shape[1] // 2 :] = False
    with torch.no_grad():
        wanted = encoder(waveforms, **{mask: masks}).pooler_output
    assert not torch.allclose(wanted[0], wanted[1])
    remembered = RememberedEncoder(encoder, "pooler_output", (encoder.config.hidden_size,))
    for places in ([0, 1, 2], [1, 0], [2]):
        found = remembered(waveforms[places], **{mask: masks[places]}).pooler_output
        torch.testing.assert_close(found, wanted[places])
    assert len(remembered.known) == 2
