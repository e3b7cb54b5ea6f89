"""Which channels of a file are taken, and under which names."""

import logging

import pytest

from hf_ecg.signals import choose_channels

PTB = ["i", "ii", "iii", "avr", "avl", "avf", "v1", "v2", "v3", "v4", "v5", "v6", "vx", "vy", "vz"]


@pytest.mark.parametrize(
    ("names", "units", "asked", "places", "leads"),
    [
        (PTB, ["mV"] * 15, {}, range(15), "I II III aVR aVL aVF V1 V2 V3 V4 V5 V6 X Y Z"),
        (["II", "RESP", "V5", "PLETH"], ["mV", "pm", "\u00b5V", "NU"], {}, (0, 2), "II V5"),
        # header(5): a channel without a unit is in millivolts, whatever it is
        (["ABP", "MCL1", "Resp C"], ["mmHg", "mV", "mV"], {}, (1,), "MCL1"),
        (["ECG1", "ECG2"], None, {}, (0, 1), "ECG1 ECG2"),
        (["ecg"], None, {"rename": {"ECG": "i"}}, (0,), "I"),
        (["ECG1", "ECG2"], None, {"rename": {"ECG2": "V1"}, "leads": ["V1"]}, (1,), "V1"),
        (["I", "II"], None, {"leads": ["lead ii", "I"]}, (1, 0), "II I"),
        (["I", "II"], None, {"rename": {"I": "II", "II": "I"}}, (0, 1), "II I"),
        (["ECG", "ECG"], None, {"rename": {0: "I", 1: "II"}}, (0, 1), "I II"),
        (["II", "Lead II", "V1"], None, {"leads": ["V1"]}, (2,), "V1"),
        (["II", "chest"], None, {"rename": {"chest": "MCL1"}}, (0, 1), "II MCL1"),
        # an ECG channel beside the electrodes of an EEG, and the chest leads as IEC writes them
        (["ECG II", "C3", "C4", "EMG"], None, {}, (0,), "II"),
        (["C3", "ECG"], None, {}, (1,), "ECG"),
        (["C1", "C2", "C5", "Cz", "ECG II"], None, {}, (4,), "II"),
        (["C3-M2", "C1", "C2", "DI"], None, {}, (3,), "I"),
        # of a hand-held device, and contacts of an electrode in the brain
        (["D1", "D2"], None, {}, (0, 1), "I II"),
        (["D1", "D2", "D3", "D4", "ECG"], None, {}, (4,), "ECG"),
        (["I (mV)", "II [uV]"], ["mV", "\u00b5V"], {}, (0, 1), "I II"),
        (["DI", "DII", "C1", "C3", "C4"], None, {}, range(5), "I II V1 V3 V4"),
    ],
)
def test_channels_are_taken_by_name_and_unit(names, units, asked, places, leads):
    chosen = choose_channels(names, units, **asked)
    assert chosen.places == tuple(places) and chosen.leads == tuple(leads.split())
    assert chosen.left_out == tuple(name for place, name in enumerate(names) if place not in chosen.places)


@pytest.mark.parametrize(
    ("names", "units", "asked", "message"),
    [
        (["ECG"], None, {"leads": ["I"]}, r'leads wants I.*rename=\{"ECG": "I"\}'),
        # the channel that is an ECG is proposed, not the first one
        (["II", "MLII"], None, {"leads": ["V1"]}, r'rename=\{"MLII": "V1"\}'),
        (["I", "II"], None, {"leads": ["III"]}, "did you mean 'II'"),
        (["chan 1", "PLETH"], ["mV", "NU"], {}, r'name of an ECG lead: \'chan 1\'.*rename=\{"chan 1": "I"\}'),
        (["II", "ABP"], ["adu", "mmHg"], {}, "holds voltages: 'II' .its unit 'adu' is not a voltage.*as an array"),
        (["I (mV)"], ["uV"], {}, "'I .mV.' .its name says 'mV', and its unit is 'uV'"),
        (["II", "V1"], ["mV", "adu"], {"leads": ["V1"]}, "leads wants V1, and 'V1' .its unit 'adu' is not a voltage"),
        (["ECG", "ECG"], None, {}, r'places 0 and 1, are called \'ECG\'.*rename=\{1: "ECG2"\}'),
        (["ECG", "ECG"], None, {"rename": {"ECG": "I"}}, r'2 channels.*rename=\{0: "...", 1: "..."\}'),
        (["II", "Lead II"], None, {}, "'II' and 'Lead II' are both lead II"),
        (["II", "MLII"], None, {"rename": {"MLII": "II"}}, "'II' and 'MLII' are both lead II"),
        (["II", "PLETH"], None, {"rename": {"PLET": "V1"}}, "'PLET', which is not a channel .did you mean 'PLETH'"),
        (["II"], None, {"rename": {3: "V1"}}, "place 3, and there are 1, counted from 0"),
        (["ECG"], None, {"rename": {"ECG": "I", 0: "II"}}, "one channel twice"),
        (["ECG"], None, {"rename": {"ECG": "RESP"}}, "name of no ECG lead: unknown lead 'RESP'"),
        (["II", "RESP"], None, {"leads": ["RESP"]}, "leads chooses by the names of ECG leads.*'RESP'"),
        (["II"], None, {"leads": ["II", "lead II"]}, "lead II is named twice"),
        (["II"], None, {"leads": []}, "leads is empty"),
        (["II"], None, {"leads": {"II": 1}}, "wanted a list of names"),
        (["II"], None, {"rename": ["II"]}, "wanted names of leads by channel"),
        (["II"], None, {"rename": {"II": 3}}, "wanted names"),
        (["II"], None, {"rename": {True: "I"}}, "wanted names"),
    ],
)
def test_what_cannot_be_taken_is_said(names, units, asked, message):
    with pytest.raises(ValueError, match=f"^rec.hea: .*{message}"):
        choose_channels(names, units, where="rec.hea", **asked)


def test_channels_that_are_no_voltages_for_another_reason():
    unfit = [None, "gain 0: not calibrated"]
    assert choose_channels(["II", "V1"], ["mV", "mV"], unfit=unfit).leads == ("II",)
    with pytest.raises(ValueError, match="leads wants V1, and 'V1' .gain 0: not calibrated"):
        choose_channels(["II", "V1"], ["mV", "mV"], unfit=unfit, leads=["V1"])


def test_what_is_left_out_is_said_once(caplog):
    with caplog.at_level(logging.WARNING):
        for number in range(3):
            choose_channels(["II", "SpO2 finger", "Resp sum"], where=f"rec{number}.hea")
        choose_channels(["II", "SpO2 toe"], leads=["II"])
    (message,) = [record.getMessage() for record in caplog.records]
    assert message.startswith("rec0.hea: the channels 'SpO2 finger', 'Resp sum' are left out") and "rename=" in message


def test_what_is_left_out_is_told_with_its_reason(caplog):
    for unfit in ("its gain is 0: not calibrated here", None):
        reasons = None if unfit is None else [None, unfit]
        choose_channels(["II", "V5"], ["mV", "mV" if unfit else "mmHg"], unfit=reasons, where="r.hea")
    assert "'V5' (its gain is 0: not calibrated here)" in caplog.text
    assert "'V5' (its unit 'mmHg' is not a voltage)" in caplog.text
