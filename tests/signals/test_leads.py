"""Names, order and derivation of leads."""

import numpy as np
import pytest

from hf_ecg.signals import LIMB_LEADS, canonical_leads, derive_limb_leads, read, select_leads


def test_names_are_compared_without_case():
    assert canonical_leads(["i", "AVR", "avl", " v1 ", "MLII"]) == ("I", "aVR", "aVL", "V1", "MLII")


ONE_MEANING = {
    "I": "DI|di|Lead I|lead_i|ECG I|EKG_I|I-REF|MDC_ECG_LEAD_I|Lead: I|LeadI|ECG lead I|Lead-I"
    '|D1|d-i|D I|AbleitungI|I (mV)|I[uV]|I_mV|lead I in mV|"I"|I.|ECG (I)|ECGI|Lead I (Einthoven)'
    "|I导联|誘導I|Avledning I|Derivação D1|отведение I"
    "|第I導聯|第一导联|标准I导联|標準肢導I|肢体导联I|표준유도 I|I유도|отв. I|I отв.|\u0406 отведение"
    "|D. I|I-Einthoven|odpr. I"
    "|I lead|I-lead|Abl. I|Einthoven I|D\u00e9rivation I|Derivaci\u00f3n I|\u2160|\ufeffI",
    "II": "DII|D2|EKGII|Lead II|lead_ii|ECG II|ECG-II|MDC_ECG_LEAD_II|MDC_ECG_ELEC_POTL_II|ii-ref",
    "III": "DIII|D.3|LEAD III|MDC_ECG_LEAD_III",
    "aVR": "AVR|avr|aVR-Ableitung|a VR|加压导联aVR|\u0430VR|AVR.|aVR, augmented voltage, right"
    "|aV R|aV-R|Lead aVR|MDC_ECG_LEAD_AVR|MDC_ECG_LEAD_aVR|ECG aVR|Goldberger aVR|Abl_aVR",
    "aVL": "AVL|lead_avl|aV_L",
    "aVF": "AVF|aV.F|EKG aVF-REF",
    "V1": "C1|v1|胸导联V1|胸部誘導V1|грудное отведение V1"
    "|V1-Ableitung|V1 ECG|V1 [\u00b5V]|V1_uv|ECGV1|Brustwand V1|V1 - REF"
    "|Pr\u00e9cordiale V1|V 1|V_1|Lead V1 |ECG V1|MDC_ECG_LEAD_V1|Wilson V1|V\u2081|Ableitung V1",
    "V6": "C6|lead_v6|V-6",
    "X": "vx|VX|Frank X|X (Frank)|VCG_X",
    "Z": "Vz",
    "ES": "E-S|EASI E-S",
    "V4R": "v4r|Lead V4R",
    "ECG": "ecg|ecg [\u00b5V]|EKG_uV|EKG|EKG-REF|ECG-REF",
    "ECG1": "ECG 1|ecg_1|EKG1|ECG01",
    "V": "v|ECG lead V",
    "MLII": "mlii|Lead MLII|ML II|ML-II|Modified lead II",
    "MCL1": "mcl1|MCL-1",
    "CM5": "CM5|CM 5",
    "CC5": "cc5",
    "NASA": "NASA",
}


@pytest.mark.parametrize("lead", ONE_MEANING)
def test_each_spelling_has_one_meaning(lead):
    spellings = ONE_MEANING[lead].split("|")
    assert {spelling: canonical_leads([spelling])[0] for spelling in spellings} == dict.fromkeys(spellings, lead)
    assert canonical_leads([lead]) == (lead,)


# another sign, a factor of 1.5, a difference of leads, a filter, a number of a channel, electrodes of an EEG
@pytest.mark.parametrize(
    "name",
    "-aVR|Lead -aVR|+I|VR|VL|VF|I-II|II-I|I+II|V1-V2|I I|ECG I filtered|Lead 1|D4|L2|C3-A2|C7|V0|V10|RESP|ABP||ECG-"
    "|Lead|ECG1-ECG2|MDC_ECG_LEAD_|Vx-RL|1|mod.V1"
    "|Abl. -aVR|Einthoven 1|Goldberger R|Channel I|Wilson|I V"
    "|aVR-|aVR neg|\u2013aVR|I (LA-RA)|I (filtered)|RV4|Lead-".split("|"),
)
def test_names_of_another_meaning_stay_unknown(name):
    with pytest.raises(ValueError, match="unknown lead") as refused:
        canonical_leads([name])
    if name.startswith(("-", "\u2013", "Lead -", "aVR")) or "RESP" in name:
        assert "did you mean" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "meant"),
    [("MLI I", "MLII"), ("aVRR", "aVR"), ("L3", "III"), ("rV4", "V4R"), ("Lead 2", "II")]
    + [("Отведение 2", "II"), ("VI", "V1"), ("LL-RA", "II")],
)
def test_the_nearest_lead_is_named(name, meant):
    with pytest.raises(ValueError, match=f"did you mean '{meant}'"):
        canonical_leads([name])


@pytest.mark.parametrize(
    ("names", "message"),
    [(["I", "V99"], "unknown lead 'V99'"), (["II", "Lead ii"], "lead II is named twice"), ("II", "wanted a list")],
)
def test_unknown_and_doubled_names_are_refused(names, message):
    with pytest.raises(ValueError, match=message):
        canonical_leads(names)


def test_leads_are_selected_by_name_over_any_leading_axes():
    signals = np.arange(2 * 3 * 3 * 4, dtype=np.float32).reshape(2, 3, 3, 4)
    selected, mask = select_leads(signals, ["V2", "I", "mlii"], ["I", "II", "V2"])
    assert mask.tolist() == [True, False, True] and selected.dtype == np.float32
    assert np.array_equal(selected[..., 0, :], signals[..., 1, :])
    assert np.array_equal(selected[..., 2, :], signals[..., 0, :])
    assert not selected[..., 1, :].any()
    with pytest.raises(ValueError, match=r"wanted \(..., 2, samples\)"):
        select_leads(signals, ["I", "II"], ["I"])


@pytest.mark.parametrize("given", [("I", "II"), ("III", "aVF"), ("aVR", "aVL"), ("aVL", "II"), ("I", "aVR")])
def test_any_two_limb_leads_give_the_other_four(given):
    pair = np.random.default_rng(0).standard_normal((5, 2, 50))
    i, ii = pair[:, 0], pair[:, 1]
    whole = {"I": i, "II": ii, "III": ii - i, "aVR": -(i + ii) / 2, "aVL": i - ii / 2, "aVF": ii - i / 2}
    derived, leads = derive_limb_leads(np.stack([whole[lead] for lead in given], axis=1), given)
    assert set(leads) == set(LIMB_LEADS) and leads[:2] == given
    for place, lead in enumerate(leads):
        np.testing.assert_allclose(derived[:, place], whole[lead], atol=1e-12, err_msg=lead)


def test_one_limb_lead_is_not_enough():
    with pytest.raises(ValueError, match="needs two of"):
        derive_limb_leads(np.zeros((2, 10)), ["I", "V1"])


def test_given_leads_are_left_untouched():
    signals = np.random.default_rng(1).standard_normal((3, 4, 20)).astype(np.float32)
    derived, leads = derive_limb_leads(signals, ["V1", "II", "aVF", "I"])
    assert leads == ("V1", "II", "aVF", "I", "III", "aVR", "aVL") and derived.dtype == np.float32
    np.testing.assert_array_equal(derived[:, :4], signals)


def test_derived_leads_are_within_five_microvolts_of_the_recorded_ones(ptb_xl_dir):
    headers = sorted(ptb_xl_dir.glob("records*/*/*.hea"))
    assert len(headers) > 2500
    further = {}
    for header in headers:
        record = read(header)
        signals = record.to_millivolts()
        derived, leads = derive_limb_leads(signals[:2], record.leads[:2])
        assert record.leads[:2] == ("I", "II") and leads == LIMB_LEADS
        errors = np.abs(derived - select_leads(signals, record.leads, leads)[0])
        # the recorded ones are whole microvolts
        if (errors > 0.005 + 1e-9).any():
            further[record.name] = np.unique(np.nonzero(errors > 0.005 + 1e-9)[1]).tolist()
    # One stored sample of ecg_id 162 contradicts its own I and II by 0.64 mV, in aVR and aVF alike; at 500 Hz, where
    # these files are there too, it is several.
    wanted = {"00162_lr": [159], "00162_hr": list(range(791, 800))}
    names = {header.stem for header in headers}
    assert further == {name: places for name, places in wanted.items() if name in names}
