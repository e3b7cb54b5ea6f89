"""The door for XML: encodings that are read, and what is refused."""

import pytest

from hf_ecg.signals.formats.safe_xml import parse_xml, root_name

BILLION = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "lol"}">' for n in range(9))


@pytest.fixture
def parsed(tmp_path):
    def parse(content, encoding="utf-8"):
        path = tmp_path / "file.xml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return parse_xml(str(path))

    return parse


def headed(encoding, text="<a>é</a>"):
    return f'<?xml version="1.0" encoding="{encoding}"?>{text}'


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("<a>é</a>", "utf-8"),
        (headed("UTF-8"), "utf-8-sig"),
        (headed("utf-16"), "utf-16"),
        (headed("utf-16"), "utf-16-be"),
        (headed("ISO-8859-1"), "latin-1"),
        (headed("windows-1252"), "cp1252"),
        # slips of those who save: one says UTF-16, one has lost its heading
        (headed("utf-16"), "utf-8"),
        (headed("UTF-8"), "latin-1"),
        ("\n <b:a xmlns:b='urn:x'>é</b:a>", "utf-8"),
        ('<!DOCTYPE RestingECG SYSTEM "restecg.dtd"><a>é</a>', "utf-8"),
    ],
)
def test_what_is_read(parsed, tmp_path, content, encoding):
    element = parsed(content, encoding)
    assert (element.tag, element.text) == ("a", "é")
    head = (tmp_path / "file.xml").read_bytes()[:64]
    assert root_name(str(tmp_path / "file.xml"), head) == "a"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (f"<!DOCTYPE a [{BILLION}]><a>&l8;</a>", "document type"),
        ('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "document type"),
        ('<!DOCTYPE a SYSTEM "http://localhost/a.dtd"><a/>', "document type"),
        ('<!DOCTYPE a SYSTEM "../a.dtd"><a/>', "document type"),
        ('<!DOCTYPE a SYSTEM "a.dtd"><a>&x;</a>', "line 1"),
        ("<a>" * 101 + "</a>" * 101, "deeper than 100"),
        ("<a>" + "<b/>" * 1000 + "</a>", "more than 1000 elements"),
        ("<a " + " ".join(f'b{n}=""' for n in range(1001)) + "/>", "more than 1000 elements"),
        ("<a>\n <secret", "line 2"),
        (headed("nonsense"), "encoding"),
        (headed("shift_jis"), "encoding"),
        (b"", "line 1"),
        (b"\x00" * 100, "line 1"),
    ],
)
def test_what_is_refused(parsed, content, told, monkeypatch):
    monkeypatch.setattr("hf_ecg.signals.formats.safe_xml.MOST_PARTS", 1000)
    with pytest.raises(ValueError, match=told) as caught:
        parsed(content)
    assert "file.xml" in str(caught.value) and "secret" not in str(caught.value)


def test_a_file_that_is_too_large(parsed, tmp_path, monkeypatch):
    monkeypatch.setattr("hf_ecg.signals.formats.safe_xml.MOST_BYTES", 100)
    with pytest.raises(ValueError, match="wanted at most 100"):
        parsed("<a>" + " " * 100 + "</a>")


def test_the_first_element_behind_many_comments(tmp_path):
    path = tmp_path / "a.xml"
    path.write_text("<?xml version='1.0'?>" + "<!-- > <b> -->" * 4000 + "<n:ECG a='1'>")
    assert root_name(str(path), path.read_bytes()[:64]) == "ECG"
    path.write_text("<!-- a -->" * 6000)
    assert root_name(str(path), b"<!--") == ""
    assert root_name(str(path), b"a,b,c") == ""
