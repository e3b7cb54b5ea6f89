import pytest

from hf_ecg.clinical.snomed import (
    CORPORA,
    DIFFERENT_MEANINGS,
    classes_of,
    compose_snomed_text,
    scored_classes,
    snomed_meanings,
)


def test_one_code_two_meanings():
    assert snomed_meanings("cpsc2018")["164931005"].acronym == "STE"
    assert snomed_meanings("csn")["164931005"].acronym == "STTU"
    assert snomed_meanings("csn")["164930006"].acronym == "STE"
    assert snomed_meanings("csn")["164890007"].sentence == "atrial flutter"  # its acronym is AF
    for code in DIFFERENT_MEANINGS:
        said = {corpus: snomed_meanings(corpus).get(code) for corpus in CORPORA}
        assert len({meaning.sentence for meaning in said.values() if meaning}) > 1


def test_the_sizes_of_the_published_tables():
    assert len(snomed_meanings("cpsc2018")) == 9
    official = [meaning for meaning in snomed_meanings("csn").values() if meaning.source == "ConditionNames"]
    assert len(official) == 55 and sum(1 + len(meaning.also) for meaning in official) == 63
    assert len(snomed_meanings("cinc2021")) == 133
    assert len(scored_classes()) == 26 and sum(map(len, scored_classes().values())) == 30


def test_every_code_has_a_class_and_a_sentence_of_its_own():
    for corpus in CORPORA:
        meanings = snomed_meanings(corpus).values()
        assert all(meaning.code.isdigit() and meaning.acronym and meaning.sentence for meaning in meanings)
        sentences = {}
        for meaning in meanings:
            assert sentences.setdefault(meaning.sentence, meaning.acronym) == meaning.acronym


def test_classes_and_texts():
    meanings = snomed_meanings("csn")
    assert classes_of(meanings)["AVNRT"] == ("233896004", "251166008")
    assert len(classes_of(meanings, ["ConditionNames"])) == 55
    assert compose_snomed_text(["426177001", "164934002", "999"], meanings) == "T wave change. sinus bradycardia"
    with pytest.raises(ValueError, match="ptb_xl"):
        snomed_meanings("ptb_xl")
