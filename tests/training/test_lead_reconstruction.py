"""Training to reconstruct leads: what is shown is a function of (seed, epoch, record), least squares is measured."""

import numpy as np
import pytest
import torch

from hf_ecg import ECGFeatureExtractor, ECGUNetForLeadReconstruction
from hf_ecg.data.collators import ECGLeadReconstructionCollator
from hf_ecg.data.rows import RowDataset
from hf_ecg.signals.leads import STANDARD_LEADS
from hf_ecg.training.loop import pretrain
from hf_ecg.training.methods.lead_reconstruction import LeadReconstructionOptions, lead_moments
from hf_ecg.training.recipe import parse_recipe
from hf_ecg.training.sections import parse_section
from tests.evaluation import tiny

DRAWN = {"two_limb_share": 0.5, "single_limb_leads": ["I", "aVF"], "chest_shares": [0.5, 0.3, 0.2]}
STEPS = [{"name": "derive_limb_leads"}, {"name": "select_leads"}, {"name": "views"}]


def extractor():
    return ECGFeatureExtractor(100, STANDARD_LEADS, None, STEPS)


@pytest.fixture(scope="module")
def rows():
    return RowDataset(tiny.dataset(60))


def test_what_is_shown_depends_on_seed_epoch_and_record_alone(rows):
    collator = ECGLeadReconstructionCollator(extractor(), seed=3, drawn=DRAWN)
    together = collator(rows.__getitems__([(0, index) for index in range(60)]))["shown_leads"]
    alone = collator([rows[(0, 7)]])["shown_leads"]
    assert torch.equal(alone[0], together[7])
    for other in (
        collator(rows.__getitems__([(1, index) for index in range(60)])),
        ECGLeadReconstructionCollator(extractor(), seed=4, drawn=DRAWN)(
            rows.__getitems__([(0, i) for i in range(60)])
        ),
    ):
        assert (other["shown_leads"] != together).any(dim=1).sum() > 20


def test_shares_are_those_of_the_options(rows):
    collator = ECGLeadReconstructionCollator(extractor(), seed=0, drawn=DRAWN)
    pairs = [(epoch, index) for epoch in range(8) for index in range(60)]
    shown = collator([rows[pair] for pair in pairs])["shown_leads"]
    limb, chest = shown[:, :6].sum(dim=1), shown[:, 6:].sum(dim=1)
    assert set(limb.tolist()) == {1, 2} and abs((limb == 2).float().mean() - 0.5) < 0.08
    assert set(shown[limb == 1][:, :6].float().argmax(dim=1).tolist()) == {0, 5}
    for number, share in enumerate(DRAWN["chest_shares"]):
        assert abs((chest == number).float().mean() - share) < 0.08
    assert shown[limb == 2].any(dim=0).all()


def test_a_record_that_lacks_leads_is_shown_by_others():
    collator = ECGLeadReconstructionCollator(extractor(), drawn=DRAWN | {"chest_shares": [0.0, 0.0, 1.0]})
    row = dict(RowDataset(tiny.dataset(1))[(0, 0)])
    # II and V3 alone
    kept = np.asarray(row["signal"]).reshape(12, -1)[[1, 8]]
    row |= {"signal": kept.ravel(), "leads": ["II", "V3"], "gain": [1000.0] * 2, "baseline": [0.0] * 2}
    shown = collator([row])["shown_leads"][0]
    assert [lead for lead, there in zip(STANDARD_LEADS, shown, strict=True) if there] == ["II", "V3"]


def test_moments_are_those_of_the_rows():
    dataset = tiny.dataset(6)
    values = np.stack([np.asarray(row["signal"]).reshape(12, -1) / 1000 for row in dataset])
    eight = values[:, [0, 1, *range(6, 12)]]
    wanted = np.einsum("ris,rjs->ij", eight, eight) / (6 * eight.shape[2])
    np.testing.assert_allclose(lead_moments(extractor(), [dataset.select(range(4)), dataset.select([4, 5])]), wanted)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"two_limb_share": 1.5}, "two_limb_share is 1.5"),
        ({"chest_shares": [0.5, 0.2]}, "together 1"),
        ({"single_limb_leads": ["V1"]}, "single_limb_leads"),
        ({"validation_leads": ["V1", "V2"]}, "wanted a limb lead"),
        ({"validation_leads": ["I", "X"]}, "not among the standard ones"),
    ],
)
def test_impossible_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        parse_section(LeadReconstructionOptions, options, "method.options", "recipe")


def test_an_extractor_of_other_leads_is_refused():
    with pytest.raises(ValueError, match="lead reconstruction wants I, II"):
        ECGLeadReconstructionCollator(ECGFeatureExtractor(100, ["I", "II"], None, STEPS[:2]), drawn=DRAWN)


def recipe(folder, **model):
    return parse_recipe(
        {
            "model": {
                "class": "ECGUNetForLeadReconstruction",
                "config": {"num_samples": 100, "sampling_rate": 100, "widths": [4, 8], "kernel_size": 3},
            }
            | model,
            "processor": {
                "feature_extractor": {
                    "sampling_rate": 100,
                    "leads": list(STANDARD_LEADS),
                    "num_samples": None,
                    "steps": STEPS,
                }
            },
            "data": {
                "sources": [
                    {"path": str(folder), "config": tiny.CONFIG, "folds": {"train": [1, 2, 3], "validation": [9]}}
                ]
            },
            "method": {
                "name": "lead_reconstruction",
                "options": {"views": [{"name": "random_crop", "num_samples": 64}]},
            },
            "validation": {"name": "loss", "metric": "loss", "greater_is_better": False},
            "optimizer": {"lr": 0.01},
            "run": {"epochs": 1, "batch_size": 16, "num_workers": 0, "num_threads": 1},
        }
    )


def test_it_trains_from_least_squares_on(tmp_path):
    corpus = tiny.write_corpus(tmp_path / "corpus", 60)
    pretrain(recipe(corpus), tmp_path / "run")
    model = ECGUNetForLeadReconstruction.from_pretrained(tmp_path / "run")
    dataset = tiny.dataset(60)
    train = dataset.select(np.flatnonzero(np.isin(dataset["fold"], [1, 2, 3])))
    wanted = ECGUNetForLeadReconstruction(model.config)
    wanted.set_lead_moments(torch.from_numpy(lead_moments(extractor(), [train])))
    torch.testing.assert_close(model.lead_moments, wanted.lead_moments)
    assert not torch.equal(model.lead_moments, ECGUNetForLeadReconstruction(model.config).lead_moments)


def test_another_model_is_refused(tmp_path):
    corpus = tiny.write_corpus(tmp_path / "corpus", 60)
    sizes = {"num_samples": 100, "sampling_rate": 100, "patch_size": 20, "hidden_size": 8, "num_attention_heads": 2}
    other = {"class": "STMEMForPreTraining", "config": sizes | {"intermediate_size": 8, "num_hidden_layers": 1}}
    with pytest.raises(ValueError, match="shown_leads|ECGUNetForLeadReconstruction"):
        pretrain(recipe(corpus, **other), tmp_path / "run")
