import pytest

from hf_ecg.data.corpus import label_names, load_corpus
from hf_ecg.plotting.model_pictures import SEVERAL, named_class, one_label_each
from tests.evaluation import tiny


@pytest.fixture(scope="module")
def script(repository):
    return tiny.load_script(repository, "pictures")


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    tiny.write_corpus(folder / "corpus", 240)
    tiny.dual_encoder().save_pretrained(folder / "OUT")
    tiny.processor().save_pretrained(folder / "OUT")
    tiny.dual_encoder().ecg_model.save_pretrained(folder / "OUT/encoder")
    tiny.feature_extractor().save_pretrained(folder / "OUT/encoder")
    tiny.save_prompts(folder / "tiny_rhythm.yaml", "rhythm")
    return folder


def draw(script, work, name, *options):
    data = ["--data", str(work / "corpus"), "--config", tiny.CONFIG, "--prompts", str(work / "tiny_rhythm.yaml")]
    model = ["--model", str(work / name), "--device", "cpu"]
    return script.main([*model, *data, "--output", str(work / "pictures" / name), *options])


def test_a_dual_encoder_gives_both_pictures_and_an_encoder_one(script, work):
    both = draw(script, work, "OUT", "--folds", "9,10")
    assert [path.name for path in both] == ["similarity.png", "embeddings.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in both)
    one = draw(script, work, "OUT/encoder", "--folds", "10", "--format", "svg")
    assert [path.name for path in one] == ["embeddings.svg"]


def test_a_record_is_coloured_by_its_only_label(work):
    corpus = load_corpus(str(work / "corpus"), config=tiny.CONFIG)
    names = label_names(corpus, "rhythm")
    labels = one_label_each(corpus, "rhythm")
    for row, label in zip(corpus["rhythm"][:], labels, strict=True):
        expected = None if not row else names[row[0]] if len(row) == 1 else SEVERAL
        assert label == expected
    assert len(set(labels)) > 1


def test_classes_are_drawn_with_what_their_codes_say():
    found = [named_class(code, "superdiagnostic") for code in ("MI", SEVERAL, None)]
    assert found == ["MI: myocardial infarction", SEVERAL, None]
