"""Pages and tables say what the sources say: `python -m hf_ecg.source_pages` renders both."""

import dataclasses

import pytest

from hf_ecg import source_pages as module
from hf_ecg.auto import SOURCES
from hf_ecg.source_pages import source_table, with_table

PAGES = module.source_pages()


def test_no_page_is_stale_absent_or_of_nobody(repository):
    found = {path.name: path.read_text() for path in (repository / "model_cards").glob("*.md")}
    assert found == PAGES, "run python -m hf_ecg.source_pages"


@pytest.mark.parametrize("name", module.TABLES)
def test_a_table_is_the_rendered_one(name, repository):
    text = (repository / name).read_text()
    assert with_table(text, module.TABLES[name]) == text, "run python -m hf_ecg.source_pages"


def test_the_site_shows_every_page(repository):
    shown = {path.name: path.read_text() for path in (repository / "docs" / "models").glob("*.md")}
    assert {name: shown.get(name) for name in PAGES} == PAGES, "run python -m hf_ecg.source_pages"


@pytest.mark.parametrize("name", SOURCES)
def test_a_page_tells_all_that_the_source_says(name):
    source = SOURCES[name]
    page = PAGES[module.page_name(source.title)]
    told = [source.repository, source.commit, source.paper, source.licence.upper(), source.weights, source.network]
    told += [source.preparation, *source.caveats, *source.unused.values(), f"`{name}`"]
    assert [text for text in told if text not in page] == []
    for facts in source.unused:
        assert facts in page


def test_the_command_renders_a_checkout(tmp_path):
    (tmp_path / "model_cards").mkdir()
    (tmp_path / "docs" / "models").mkdir(parents=True)
    for name in module.TABLES:
        (tmp_path / name).write_text(f"# x\n{module.TABLE_BEGINS}\nold\n{module.TABLE_ENDS}\nafter\n")
    module.main([str(tmp_path)])
    for folder in module.PAGE_FOLDERS:
        found = {path.name: path.read_text() for path in (tmp_path / folder).iterdir() if path.name != "index.md"}
        assert found == PAGES
    for name, pages in module.TABLES.items():
        text = (tmp_path / name).read_text()
        assert source_table(pages=pages) in text and "old" not in text and text.endswith("\nafter\n")
    with pytest.raises(ValueError, match="there is no <!-- table of sources -->"):
        with_table("# nothing")


def test_sources_that_differ_in_size_alone_share_a_line():
    merl = [source for source in SOURCES.values() if source.title == "MERL"]
    assert len(merl) == 3 and len(source_table(merl).splitlines()) == 3
    assert "[arXiv 2403.06659](https://arxiv.org/abs/2403.06659)" in source_table(merl)
    cited = dataclasses.replace(merl[0], paper="Somebody et al., a journal")
    assert "| Somebody et al., a journal |" in source_table([cited])
    other = dataclasses.replace(merl[0], name="other", licence="cc0-1.0")
    assert len(source_table([*merl, other]).splitlines()) == 4
