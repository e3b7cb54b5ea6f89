"""Views: what each does to a waveform, that absent leads and padding stay, and whose the randomness is."""

import math

import pytest
import torch

from hf_ecg.data.view_base import Waveforms, record_generator
from hf_ecg.data.views import VIEWS, apply_views, random_crop, validate_views

ROWS, LEADS, SAMPLES, RATE = 6, 4, 400, 100.0
EVERY = [
    {"name": "time_shift", "max_samples": 40},
    {"name": "random_crop", "num_samples": 300},
    {"name": "amplitude_scale", "factor": [0.5, 2.0], "per_lead": True},
    {"name": "gaussian_noise", "relative": [0.1, 0.5], "probability": 0.5},
    {"name": "gaussian_noise", "rms": 0.1},
    {"name": "electrode_noise", "rms": 0.1, "kinds": ["baseline", "electrode", "motion", "mixture"]},
    {"name": "electrode_noise", "snr_db": [0, 12], "kinds": ["electrode"], "probability": 0.8},
    {"name": "baseline_wander", "amplitude": [0.1, 0.3]},
    {"name": "time_mask", "fraction": [0.1, 0.3], "probability": 0.7},
    {"name": "lead_dropout", "lead_probability": 0.4},
]


def waveforms(rows=ROWS):
    """Lead 1 of row 0 absent, the last 80 samples of row 1 padded."""
    values = torch.randn(rows, LEADS, SAMPLES, generator=torch.Generator().manual_seed(0))
    made = Waveforms.of(values)
    made.lead_mask[0, 1] = False
    made.sample_mask[1, -80:] = False
    return made._replace(input_values=values * made.lead_mask[..., None] * made.sample_mask[:, None])


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def apply(view, data=None, seed=0, **options):
    data = waveforms() if data is None else data
    return VIEWS[view](data, generator(seed), **options)


def record_generators(views, indices, epoch=0):
    return [[record_generator(5, epoch, i, f"{p}:{v['name']}") for i in indices] for p, v in enumerate(views)]


def apply_every(data, indices, epoch=0, views=EVERY):
    generators = record_generators(views, indices, epoch)
    masks = {"lead_mask": data.lead_mask, "sample_mask": data.sample_mask}
    return apply_views(data.input_values, views, generators, sampling_rate=RATE, **masks)


@pytest.mark.parametrize("view", EVERY, ids=lambda view: view["name"])
def test_absent_leads_and_padding_stay_and_the_input_is_not_touched(view):
    data = waveforms()
    before = [tensor.clone() for tensor in data]
    masks = {"lead_mask": data.lead_mask, "sample_mask": data.sample_mask}
    view = {**view, "probability": 1.0} if view["name"] != "random_crop" else view
    made = apply_views(data.input_values, [view], generator(), sampling_rate=RATE, **masks)
    assert all(torch.equal(one, two) for one, two in zip(data, before, strict=True))
    assert made.input_values.shape[:2] == (ROWS, LEADS) and made.input_values.dtype == torch.float32
    assert not made.lead_mask[0, 1]
    assert (made.input_values * ~made.lead_mask[..., None] == 0).all()
    assert (made.input_values * ~made.sample_mask[:, None] == 0).all()
    changed = made.input_values.shape != data.input_values.shape
    assert changed or not torch.equal(made.input_values, data.input_values)


def test_a_records_views_do_not_depend_on_its_batch():
    data = waveforms()
    whole = apply_every(data, range(ROWS))
    order = [4, 0, 3]
    part = apply_every(Waveforms(*(tensor[order] for tensor in data)), order)
    alone = [apply_every(Waveforms(*(tensor[i : i + 1] for tensor in data)), [i]) for i in range(ROWS)]
    for field in Waveforms._fields:
        assert torch.equal(getattr(whole, field)[order], getattr(part, field)), field
        assert torch.equal(getattr(whole, field), torch.cat([getattr(one, field) for one in alone])), field


def test_epochs_differ_and_repeat():
    data = waveforms()
    first, again, other = (apply_every(data, range(ROWS), epoch).input_values for epoch in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_global_generator_has_no_say_and_is_not_used():
    torch.manual_seed(0)
    first, state = apply_every(waveforms(), range(ROWS)).input_values, torch.get_rng_state()
    torch.manual_seed(1)
    torch.rand(3)
    assert torch.equal(apply_every(waveforms(), range(ROWS)).input_values, first)
    torch.manual_seed(0)
    assert torch.equal(torch.get_rng_state(), state)


def test_record_generator_tells_its_four_arguments_apart():
    keys = [(0, 0, 0, "a"), (1, 0, 0, "a"), (0, 1, 0, "a"), (0, 0, 1, "a"), (0, 0, 0, "b"), (0, 0, 10, "a")]
    drawn = [torch.rand((), generator=record_generator(*key), dtype=torch.float64).item() for key in keys]
    assert len(set(drawn)) == len(keys)
    # the same on any machine: written down once
    assert record_generator(0, 0, 0, "a").initial_seed() == 574546546499795926
    many = torch.stack([torch.rand(2, generator=record_generator(0, 0, i, "a")) for i in range(2000)])
    assert (many.mean(0) - 0.5).abs().max() < 0.03
    assert torch.corrcoef(many.T)[0, 1].abs() < 0.08


def test_random_crop_takes_every_start_and_follows_the_masks():
    ramp = torch.arange(10.0).expand(4000, 1, 10)
    made = random_crop(Waveforms.of(ramp), generator(), num_samples=8)
    starts = made.input_values[:, 0, 0]
    assert torch.equal(made.input_values[:, 0], starts[:, None] + torch.arange(8.0))
    assert [round((starts == start).float().mean().item(), 1) for start in (0, 1, 2)] == [0.3, 0.3, 0.3]
    padded = Waveforms.of(ramp, sample_mask=(torch.arange(10) < 9).expand(4000, 10))
    assert random_crop(padded, generator(), num_samples=8).sample_mask.all()
    short = Waveforms.of(ramp, sample_mask=(torch.arange(10) >= 5).expand(4000, 10))
    made = random_crop(short, generator(), num_samples=8)
    assert (made.sample_mask.sum(1) == 5).all() and (made.input_values[:, 0, 0] == 2).all()


def test_a_crop_of_the_whole_record_is_the_record():
    data = waveforms()
    made = apply("random_crop", data, num_samples=SAMPLES)
    assert all(torch.equal(one, two) for one, two in zip(made, data, strict=True))


def test_amplitude_scale_keeps_the_limb_leads_relation():
    data = waveforms()
    ratio = apply("amplitude_scale", data, factor=[0.5, 2.0]).input_values / data.input_values
    per_record = ratio.nanmean((1, 2))
    assert torch.allclose(ratio.nan_to_num(1.0), per_record[:, None, None].expand_as(ratio).where(~ratio.isnan(), 1.0))
    assert per_record.min() >= 0.5 and per_record.max() <= 2.0 and per_record.std() > 0.1
    per_lead = apply("amplitude_scale", data, factor=[0.5, 2.0], per_lead=True).input_values / data.input_values
    assert per_lead.nanmean(2)[2:].std(1).min() > 0.01
    assert torch.equal(apply("amplitude_scale", data, factor=3.0).input_values, data.input_values * 3)


def test_gaussian_noise_has_the_size_asked_for():
    data = waveforms()._replace(input_values=waveforms().input_values * 4 + 7)
    data = data._replace(input_values=data.input_values * data.sample_mask[:, None])
    noise = apply("gaussian_noise", data, rms=0.25).input_values - data.input_values
    assert noise[2:].square().mean().sqrt().item() == pytest.approx(0.25, rel=0.05)
    noise = apply("gaussian_noise", data, relative=0.25).input_values - data.input_values
    recorded = noise[1][:, :-80]
    assert recorded.square().mean().sqrt().item() == pytest.approx(1.0, rel=0.1)
    assert (noise[1][:, -80:] == 0).all()


def test_lead_dropout_keeps_a_lead_and_says_what_is_gone():
    data = waveforms(2000)
    made = apply("lead_dropout", data, lead_probability=0.3)
    assert made.lead_mask[:, 2].float().mean().item() == pytest.approx(0.7, abs=0.05)
    assert torch.equal(made.input_values, data.input_values * made.lead_mask[..., None])
    all_but_one = apply("lead_dropout", data, lead_probability=1.0)
    assert (all_but_one.lead_mask.sum(1) == 1).all() and not all_but_one.lead_mask[0, 1]
    none = apply("lead_dropout", data, lead_probability=0.0)
    assert torch.equal(none.lead_mask, data.lead_mask)


def test_baseline_wander_is_slow_and_as_high_as_asked():
    data = Waveforms.of(torch.zeros(3, LEADS, 2000))
    wave = apply("baseline_wander", data, amplitude=0.3, frequency_hz=[0.2, 0.4], sampling_rate=RATE).input_values
    assert wave.abs().amax((1, 2)).tolist() == pytest.approx([0.3] * 3, abs=0.01)
    power = torch.fft.rfft(wave.double()).abs().square().sum((0, 1))
    frequency = torch.fft.rfftfreq(2000, 1 / RATE)
    inside = (frequency >= 0.15) & (frequency <= 0.45)
    assert power[inside].sum() > 0.95 * power.sum()


def test_time_mask_hides_one_stretch_in_all_leads():
    data = Waveforms.of(torch.ones(500, LEADS, SAMPLES))
    made = apply("time_mask", data, fraction=[0.1, 0.3])
    hidden = made.input_values == 0
    assert (hidden == hidden[:, :1]).all() and made.sample_mask.all()
    length = hidden[:, 0].sum(1)
    assert 40 <= length.min() and length.max() <= 120 and length.float().std() > 10
    edges = hidden[:, 0].int().diff(dim=1).abs().sum(1)
    assert (edges <= 2).all()
    assert (apply("time_mask", data, fraction=1.0).input_values == 0).all()


def test_time_shift_moves_and_marks_what_it_does_not_know():
    ramp = Waveforms.of(torch.arange(1.0, 51.0).expand(3000, 1, 50))
    made = apply("time_shift", ramp, max_samples=3)
    shift = 25 - made.input_values[:, 0, 24].long()
    assert sorted(set(shift.tolist())) == [-3, -2, -1, 0, 1, 2, 3]
    assert torch.equal(made.sample_mask, made.input_values[:, 0] > 0)
    assert torch.equal(50 - made.sample_mask.sum(1), shift.abs())


def test_probability_chooses_records():
    data = Waveforms.of(torch.ones(2000, 1, 4))
    view = {"name": "amplitude_scale", "factor": 2.0, "probability": 0.25}
    values = apply_views(data.input_values, [view], generator()).input_values
    assert set(values.unique().tolist()) == {1.0, 2.0}
    assert (values[:, 0, 0] == 2).float().mean().item() == pytest.approx(0.25, abs=0.04)
    never = apply_views(data.input_values, [view | {"probability": 0.0}], generator()).input_values
    assert (never == 1).all()


@pytest.mark.parametrize(
    ("views", "message"),
    [
        ([{"name": "gausian_noise", "rms": 1.0}], "gausian_noise.*did you mean 'gaussian_noise'"),
        ([{"name": "gaussian_noise", "rsm": 1.0}], "unknown parameter 'rsm'.*did you mean 'rms'"),
        ([{"name": "gaussian_noise"}], "exactly one of rms and relative"),
        ([{"name": "gaussian_noise", "rms": 0.1, "relative": 0.1}], "exactly one"),
        ([{"name": "gaussian_noise", "rms": -0.1}], "rms is -0.1"),
        ([{"name": "gaussian_noise", "rms": math.nan}], "rms is nan"),
        ([{"name": "gaussian_noise", "rms": [0.2, 0.1]}], "low, high"),
        ([{"name": "random_crop"}], "num_samples is not given"),
        ([{"name": "random_crop", "num_samples": 0}], "num_samples is 0"),
        ([{"name": "random_crop", "num_samples": 5, "probability": 0.5}], "unknown parameter 'probability'"),
        ([{"name": "lead_dropout", "probability": 0.5}], "lead_probability is not given"),
        ([{"name": "lead_dropout", "lead_probability": 1.5}], "lead_probability is 1.5"),
        ([{"name": "baseline_wander"}], "sampling_rate is not given"),
        ([{"name": "time_mask", "fraction": 1.5}], "at most 1"),
        ([{"name": "amplitude_scale", "per_lead": 1}], "wanted true or false"),
        ([{"rms": 0.1}], "a dict with a name"),
        ("gaussian_noise", "wanted a list"),
    ],
)
def test_impossible_views_are_refused_before_they_are_used(views, message):
    with pytest.raises(ValueError, match=message):
        validate_views(views)


def test_validation_gives_the_views_back():
    assert validate_views(EVERY, sampling_rate=RATE) == EVERY
    named = [{"name": "baseline_wander", "amplitude": 0.1, "frequency_hz": [0.2, 0.4], "sampling_rate": RATE}]
    assert validate_views(named, sampling_rate=RATE) == named == validate_views(named)


def test_a_view_at_another_rate_than_its_waveforms_is_refused():
    view = {"name": "baseline_wander", "amplitude": 0.1, "frequency_hz": [0.2, 0.4], "sampling_rate": 2 * RATE}
    with pytest.raises(ValueError, match=f"sampling_rate is {2 * RATE}, but waveforms come to it with {RATE}"):
        validate_views([view], sampling_rate=RATE)


def test_views_that_do_not_fit_the_record_are_refused():
    with pytest.raises(ValueError, match="num_samples is 401.*400 samples"):
        apply("random_crop", num_samples=401)
    with pytest.raises(ValueError, match="max_samples is 400.*400 samples"):
        apply("time_shift", max_samples=400)
    with pytest.raises(ValueError, match="2 generators were given for 6 records"):
        VIEWS["time_mask"](waveforms(), [generator(), generator()])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_the_same_records_come_out_as_on_the_cpu():
    data = waveforms()
    wanted = apply_every(data, range(ROWS))
    made = apply_every(Waveforms(*(tensor.cuda() for tensor in data)), range(ROWS))
    assert made.input_values.is_cuda
    torch.testing.assert_close(made.input_values.cpu(), wanted.input_values, rtol=1e-5, atol=1e-5)
    assert torch.equal(made.lead_mask.cpu(), wanted.lead_mask)
    assert torch.equal(made.sample_mask.cpu(), wanted.sample_mask)


PATTERNS = {"name": "lead_patterns", "patterns": [["I"], ["II", "v1"], ["V6"]]}
FOUR = ["I", "II", "V1", "V2"]


def test_lead_patterns_keep_what_devices_record_each_as_often():
    data = waveforms(600)._replace(lead_mask=torch.ones(600, LEADS, dtype=torch.bool))
    made = apply_views(data.input_values, [PATTERNS], generator(), leads=FOUR)
    kept = [tuple(row) for row in made.lead_mask.int().tolist()]
    # nobody has V6: such records stay whole
    assert set(kept) == {(1, 0, 0, 0), (0, 1, 1, 0), (1, 1, 1, 1)}
    assert all(150 < kept.count(row) < 250 for row in set(kept))
    assert not made.input_values[~made.lead_mask].any()
    assert torch.equal(made.input_values[made.lead_mask], data.input_values[made.lead_mask])


def test_lead_patterns_do_not_bring_absent_leads_back():
    data = waveforms()
    data.lead_mask[:, 1:] = False
    made = apply_views(
        data.input_values * data.lead_mask[..., None], [PATTERNS], generator(), lead_mask=data.lead_mask, leads=FOUR
    )
    assert torch.equal(made.lead_mask, data.lead_mask)


def test_impossible_lead_patterns_are_refused():
    assert validate_views([PATTERNS], leads=[*FOUR, "V6"]) == [PATTERNS]
    with pytest.raises(ValueError, match="leads is not given"):
        validate_views([PATTERNS])
    for patterns, message in (([], "list of lists"), (["I"], "list of lists"), ([["I", "X"]], "X")):
        with pytest.raises(ValueError, match=message):
            validate_views([PATTERNS | {"patterns": patterns}], leads=FOUR)
    with pytest.raises(ValueError, match="names .'V6'., which are not among"):
        validate_views([PATTERNS], leads=FOUR)
