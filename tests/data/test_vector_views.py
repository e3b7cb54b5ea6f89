"""3KG's views: what they change, and what they leave alone."""

import json

import pytest
import torch

from hf_ecg.data.vector_views import INVERSE_DOWER, wrapped_stretch
from hf_ecg.data.view_base import Waveforms, record_generator
from hf_ecg.data.views import VIEWS, apply_views, validate_views
from hf_ecg.signals.leads import STANDARD_LEADS

TURN = {"name": "vector_rotation", "max_angle": 45.0, "factor": [1.0, 1.5]}
MASK = {"name": "lead_time_mask", "fraction": 0.5}


def limb_leads_follow(values):
    one, two = values[..., 0, :], values[..., 1, :]
    for place, wanted in enumerate((two - one, -(one + two) / 2, one - two / 2, two - one / 2), 2):
        values[..., place, :] = wanted
    return values


def records(rows=4, samples=200):
    values = torch.randn(rows, 12, samples, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return Waveforms.of(limb_leads_follow(values))


def test_what_one_vector_explains_stays_where_nothing_turns():
    still = {"max_angle": 0.0, "factor": 1.0, "leads": STANDARD_LEADS}
    once = VIEWS["vector_rotation"](records(), torch.Generator(), **still)
    twice = VIEWS["vector_rotation"](once, torch.Generator(), **still)
    assert not torch.allclose(once.input_values, records().input_values)
    torch.testing.assert_close(twice.input_values, once.input_values)
    torch.testing.assert_close(limb_leads_follow(once.input_values.clone()), once.input_values)


def test_a_stretch_goes_on_at_the_beginning():
    hidden = wrapped_stretch(torch.tensor([[1, 8]]), 4, 10)
    assert hidden[0].int().tolist() == [[0, 1, 1, 1, 1, 0, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0, 0, 0, 1, 1]]


def test_every_lead_loses_its_own_stretch():
    data = records()
    made = apply_views(data.input_values, [MASK], torch.Generator().manual_seed(0))
    hidden = made.input_values == 0
    assert (hidden.sum(2) == 100).all() and made.lead_mask.all() and made.sample_mask.all()
    assert len({tuple(lead.tolist()) for lead in hidden.flatten(0, 1)}) > 40
    assert torch.equal(made.input_values[~hidden], data.input_values[~hidden])


def test_angles_and_factors_are_drawn_for_each_record():
    data = records(64)
    made = apply_views(data.input_values, [TURN], torch.Generator().manual_seed(0), leads=STANDARD_LEADS)
    places = [0, 1, *range(6, 12)]
    from_, to = data.input_values[:, places], made.input_values[:, places]
    # lengths of the map's axes, back from the eight leads
    forward = torch.tensor(INVERSE_DOWER, dtype=torch.float64)
    maps = (forward @ to) @ torch.linalg.pinv(forward @ from_)
    stretched = torch.linalg.svdvals(maps)
    assert 1 <= stretched.min() and stretched.max() <= 1.5 and stretched[:, 0].std() > 0.05
    angles = torch.rad2deg(torch.arcsin((maps / maps.norm(dim=2, keepdim=True))[:, 0, 2]))
    assert angles.abs().max() <= 45.001 and angles.std() > 15


def test_a_records_view_does_not_depend_on_its_batch():
    data, views = records(), [TURN, MASK, {"name": "lead_zeroing", "lead_probability": 0.5}]

    def apply(rows):
        generators = [[record_generator(3, 0, row, str(place)) for row in rows] for place in range(len(views))]
        return apply_views(data.input_values[rows].float(), views, generators, leads=STANDARD_LEADS).input_values

    whole = apply([0, 1, 2, 3])
    torch.testing.assert_close(apply([2, 0]), whole[[2, 0]])


def test_a_record_without_one_of_the_eight_leads_is_not_turned():
    data = records(2)
    data.lead_mask[0, 7] = False
    values = data.input_values * data.lead_mask[..., None]
    made = apply_views(values, [TURN], torch.Generator(), lead_mask=data.lead_mask, leads=STANDARD_LEADS)
    assert torch.equal(made.input_values[0], values[0]) and not torch.equal(made.input_values[1], values[1])


def test_absent_limb_leads_stay_absent():
    data = records(1)
    data.lead_mask[0, 3] = False
    values = data.input_values * data.lead_mask[..., None]
    made = apply_views(values, [TURN], torch.Generator(), lead_mask=data.lead_mask, leads=STANDARD_LEADS)
    assert not made.input_values[0, 3].any() and not torch.equal(made.input_values[0, 4], values[0, 4])


def test_any_order_and_the_eight_leads_alone():
    data, eight = records(1), ["V6", "II", "V1", "V2", "V3", "I", "V4", "V5"]
    places = [STANDARD_LEADS.index(lead) for lead in eight]
    whole, part = (
        apply_views(values, [TURN], torch.Generator().manual_seed(1), leads=leads).input_values
        for values, leads in ((data.input_values, STANDARD_LEADS), (data.input_values[:, places], eight))
    )
    torch.testing.assert_close(part, whole[:, places])


def test_zeroed_leads_are_still_recorded_and_may_be_all():
    data = records(400, 5)
    made = apply_views(data.input_values, [{"name": "lead_zeroing"}], torch.Generator().manual_seed(0))
    zeroed = (made.input_values == 0).all(2)
    assert made.lead_mask.all() and 0.45 < zeroed.float().mean() < 0.55
    every = VIEWS["lead_zeroing"](data, torch.Generator(), lead_probability=1.0)
    assert not every.input_values.any()


@pytest.mark.parametrize(
    ("view", "leads", "message"),
    [
        (TURN, ["I", "II", "V1"], r"missing \['V2', 'V3', 'V4', 'V5', 'V6'\]"),
        (TURN, [*STANDARD_LEADS, "V7"], r"not of the twelve \['V7'\]"),
        (TURN | {"max_angle": [0, 45]}, STANDARD_LEADS, "max_angle"),
        (TURN | {"factor": [2.0, 1.0]}, STANDARD_LEADS, r"wanted a number or \[low, high\]"),
        (MASK | {"fraction": 1.5}, STANDARD_LEADS, "wanted at most 1"),
        (TURN, None, "leads is not given"),
    ],
)
def test_impossible_views_are_refused(view, leads, message):
    with pytest.raises(ValueError, match=message):
        validate_views([view], leads=leads)


def test_the_defaults_are_those_of_the_released_code(golden_dir):
    told = json.loads((golden_dir / "3kg-augment" / "spec.json").read_text())["config"]
    assert told == {"angle": 45, "scale": 1.5, "mask_ratio": 0.5}
    plain, asked = (
        apply_views(records().input_values, views, torch.Generator().manual_seed(2), leads=STANDARD_LEADS).input_values
        for views in ([{"name": "vector_rotation"}, {"name": "lead_time_mask"}], [TURN, MASK])
    )
    assert torch.equal(plain, asked)
