"""The page of `hf-ecg demo`: what its events show, what it deletes and never says, and that it asks nobody else."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("gradio")
pytest.importorskip("matplotlib")

from hf_ecg.browser import build_page, parts
from hf_ecg.browser.examiner import Examiner, texts_of
from hf_ecg.browser.uploads import MOST_BYTES, nameless, read_upload, without_names
from hf_ecg.cli.endings import call
from hf_ecg.signals import Record

CHROMIUM = next((path for path in ("/usr/bin/chromium", "/usr/bin/chromium-browser") if os.path.exists(path)), None)
NAME = "Smith_John_1950"


@pytest.fixture(scope="module")
def page():
    return build_page(Examiner.of("ecg-text-small", simulated=False))


def event(page, name):
    (found,) = [one for one in page.fns.values() if one.name == name]
    return found


def run(page, name, *given):
    """What an event gives, by the ids of what it changes."""
    one = event(page, name)
    found = one.fn(*given)
    names = [block.elem_id or type(block).__name__.lower() for block in one.outputs]
    return dict(zip(names, found if isinstance(found, list) else [found], strict=True))


def uploaded(folder, *files, name=NAME):
    """Copies as gradio leaves them: each in a folder of its own."""
    copies = []
    for number, file in enumerate(files):
        place = folder / f"hash{number}" / f"{name}{Path(file).suffix}"
        place.parent.mkdir()
        shutil.copyfile(file, place)
        copies.append(str(place))
    return copies


def real_files(ptb_xl_dir):
    header = ptb_xl_dir / "records100/00000/00001_lr.hea"
    return [header, header.with_suffix(".dat")]


def test_a_dropped_record_is_shown_measured_and_answered_about_then_deleted(page, ptb_xl_dir, tmp_path):
    header, signals = real_files(ptb_xl_dir)
    copies = uploaded(tmp_path, header, signals)
    Path(copies[0]).write_text(header.read_text().replace("00001_lr", NAME) + f"# patient {NAME}\n")
    found = run(page, "examined", copies, "")
    record = found["state"]
    assert found["drop"] is None and found["problem"] == "" and record.leads[0] == "I"
    assert "WFDB: 12 leads, 100 Hz, 10.0 s" in found["paper"] and found["paper"].count("data:image/png") == 1
    assert "Nothing wrong" in found["quality"] and "QRS" in found["measurements"] and "/min" in found["measurements"]
    assert "sinus rhythm" in found["answers"] and "Not calibrated" in found["answers"]
    assert found["asked"].value == "sinus rhythm"
    assert not any(tmp_path.iterdir()), "what was uploaded is still there"
    assert NAME not in repr(found) and NAME not in repr(vars(record))
    # the questions that follow
    words = run(page, "asked", record, "atrial <b>fibrillation</b>; sinus rhythm")
    assert "&lt;b&gt;" in words["answers"] and "<b>" not in words["answers"]
    why = run(page, "explained", record, "sinus rhythm", "Which samples (integrated gradients)")["why"]
    assert "data:image/png" in why and "adds, in log-odds" in why


def test_the_first_line_says_what_the_model_is(page):
    first = next(block for block in page.blocks.values() if block.elem_id == "first-line")
    assert "Research use only. Not a medical device" in first.value and "Learned from real ECGs" in first.value
    toy = Examiner("toy", None, "toy learned from 300 simulated ECGs: its answers on real ones mean nothing")
    assert "A toy: toy learned from 300 simulated ECGs" in toy.first_line


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x00\x01nothing that is known, of " + NAME.encode(), "not a format that is read here"),
        (b"", "This file was not read"),
        (b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "This file was not read"),
    ],
)
def test_a_bad_file_ends_in_one_sentence_without_a_name(page, tmp_path, content, words):
    (tmp_path / "bad").write_bytes(content)
    copies = uploaded(tmp_path, tmp_path / "bad", name=f"{NAME}.xml")
    found = run(page, "examined", copies, "")
    assert words in found["problem"] and found["state"] is None and found["paper"] == ""
    assert NAME not in found["problem"] and str(tmp_path) not in found["problem"] and not os.path.exists(copies[0])


def test_files_that_are_too_large_or_many_are_refused_and_deleted(page, tmp_path):
    with open(tmp_path / "large.npz", "wb") as file:
        file.truncate(MOST_BYTES + 1)
    copies = uploaded(tmp_path, tmp_path / "large.npz")
    with pytest.raises(ValueError, match="64 MB, wanted at most 64"):
        read_upload(copies)
    assert not os.path.exists(copies[0])
    with pytest.raises(ValueError, match="no file came"):
        read_upload([])


def test_nothing_outside_of_an_upload_is_read_or_deleted(tmp_path, ptb_xl_dir):
    secret = tmp_path / "secret.dat"
    secret.write_bytes(bytes(24000))
    (tmp_path / "own").mkdir()
    header = tmp_path / "own" / "x.hea"
    text = real_files(ptb_xl_dir)[0].read_text()
    header.write_text(text.replace("00001_lr.dat", "../secret.dat").replace("00001_lr", "x"))
    with pytest.raises(ValueError):
        read_upload([str(header)])
    assert secret.exists() and not header.exists()


def test_no_name_is_left_in_a_record_or_a_sentence():
    record = Record(NAME, np.ones((1, 50)), None, None, ("I",), 50.0, comments=[f"patient {NAME}"], device=NAME)
    assert NAME not in repr(vars(nameless(record)))
    told = without_names(f"/tmp/a/{NAME}.edf begins with b'0  {NAME}': {NAME}", [f"/tmp/a/{NAME}.edf"])
    assert told == "the file begins with unknown bytes: the file"


def test_the_only_channel_may_be_named(page, tmp_path, shared_data_dir):
    header = sorted((shared_data_dir / "cinc2017").rglob("*.hea"))[0]
    files = [header, header.with_suffix(".mat")]
    copies = uploaded(tmp_path, *files, name=header.stem)
    record, remarks = read_upload(copies, "I")
    assert record.leads == ("I",) and "its only channel is taken for lead I" in remarks
    # or afterwards, of the record that is there
    found = run(page, "examined", uploaded(tmp_path, *files, name=header.stem), "")
    assert "called ECG, which the model does not take: choose its lead above" in found["answers"]
    assert "There is nothing to explain" in run(page, "explained", found["state"], None, "x")["why"]
    named = run(page, "renamed", found["state"], "", "I")
    assert named["state"].leads == ("I",) and "1 lead, 300 Hz" in named["paper"]
    assert "reads 12 leads, and this ECG has no II, III" in named["answers"] and "macro AUROC" in named["answers"]
    assert run(page, "renamed", None, "", "I")["answers"] == {"__type__": "update"}


def test_calibrated_answers_say_what_is_ruled_out():
    sure = {"label": "MI", "score": 0.9, "calibrated": True, "set": True, "verdict": "present", "abstained": False}
    told = parts.answers([sure, sure | {"label": "CD", "verdict": "unsure", "abstained": True, "ood": True}])
    assert "not calibrated" in parts.answers([sure, {"label": "x", "score": 1.0}]) and "not calibrated" not in told
    assert "present</span>" in told and "unsure, no answer<" in told
    numbers = parts.values([{"label": "age", "score": 63.25}])
    assert "63.25" in numbers and "calibrated" not in numbers and "bar" not in numbers
    assert "Calibrated: of records with this number" in told and "unlike what the model learned from" in told


def test_words_are_limited():
    assert texts_of(" a\n\nb; a ") == ["a", "b"]
    with pytest.raises(ValueError, match="21 texts were typed, wanted 20"):
        texts_of("\n".join(map(str, range(21))))
    with pytest.raises(ValueError, match="201 letters"):
        texts_of("x" * 201)


def test_a_part_that_cannot_be_had_leaves_the_others(page):
    # half a second: no model reads it
    short = Record("x", np.sin(np.arange(250))[None], None, None, ("I",), 500.0)
    shown = run(page, "asked", short, "")
    assert "problem" in shown["answers"] and "0.5" in shown["answers"]
    assert "Drop an ECG first" in run(page, "explained", None, None, "x")["why"]


def test_neighbours_of_a_corpus_are_shown_without_their_names(tmp_path):
    call("prepare", ["simulated", "--output_dir", str(tmp_path / "corpus"), "--num_records", "60"])
    examiner = Examiner.of("ecg-text-small", str(tmp_path / "corpus"))
    found = examiner.nearest(_as_record(examiner.neighbours.records[2]))
    assert found[0]["cosine"] == pytest.approx(1, abs=1e-4) and len(found) == 3
    assert "record_id" not in found[0]["record"] and "60 simulated records" in examiner.neighbours.source


def _as_record(row):
    counts = np.asarray(row["signal"], np.int16).reshape(len(row["leads"]), -1)
    gain, baseline = np.asarray(row["gain"], float), np.asarray(row["baseline"], float)
    return Record("row", counts, gain, baseline, tuple(row["leads"]), float(row["sampling_rate"]))


def test_a_space_is_written_whose_app_builds_the_page(tmp_path, monkeypatch):
    import yaml

    call("push", ["ecg-text-small", "--space", "--dry_run", str(tmp_path / "space")])
    front = yaml.safe_load((tmp_path / "space/README.md").read_text(encoding="utf-8").split("---")[1])
    assert front["sdk"] == "gradio" and front["app_file"] == "app.py" and front["sdk_version"][0].isdecimal()
    assert (tmp_path / "space/requirements.txt").read_text().startswith("hf-ecg[browser,")
    scope = {"__name__": "app", "__file__": str(tmp_path / "space/app.py")}
    exec((tmp_path / "space/app.py").read_text(), scope)
    monkeypatch.setattr("hf_ecg.browser.neighbours.SIMULATED_EACH", 0)
    assert "Research use only" in scope["build"]().config["components"][0]["props"]["value"]
    with pytest.raises(FileExistsError, match="is there already"):
        call("push", ["ecg-text-small", "--space", "--dry_run", str(tmp_path / "space")])


def test_a_folder_goes_into_the_space(tmp_path):
    import hf_ecg

    shutil.copytree(hf_ecg.pretrained("ecg-text-small"), tmp_path / "own")
    call("push", [str(tmp_path / "own"), "--space", "--dry_run", str(tmp_path / "space")])
    assert (tmp_path / "space/model/model.safetensors").is_file()
    app = (tmp_path / "space/app.py").read_text()
    assert 'str(Path(__file__).parent / "model")' in app and str(tmp_path) not in app


@pytest.mark.large
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_in_a_browser(width, page, ptb_xl_dir):
    playwright = pytest.importorskip("playwright.sync_api")
    from hf_ecg.browser import serve

    address = serve(build_page(Examiner.of("ecg-text-small", simulated=False)), wait=False)
    with playwright.sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        tab = browser.new_page(viewport={"width": width, "height": 900})
        asked = []
        tab.on("request", lambda request: asked.append(request.url))
        answer = tab.goto(address)
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        tab.set_input_files("#drop input[type=file]", [str(file) for file in real_files(ptb_xl_dir)])
        tab.wait_for_selector("#paper img", timeout=120_000)
        tab.wait_for_selector("#answers .answer", timeout=120_000)
        assert "Research use only" in tab.inner_text("body")[:200]
        assert "00001_lr" not in tab.inner_text("body")
        tab.click("#explain")
        tab.wait_for_selector("#why img", timeout=120_000)
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        browser.close()
    assert not [url for url in asked if not url.startswith((address, "data:", "blob:"))]
