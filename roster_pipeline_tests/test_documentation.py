"""Pages made from the code are those of the code, and the examples in the repository are those of the package."""

from importlib import resources
from pathlib import Path

import pytest

from roster_pipeline.documentation import PAGES
from roster_pipeline.settings import load_sources

REPOSITORY = Path(__file__).parents[1]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_up_to_date(name: str) -> None:
    assert (REPOSITORY / "docs" / name).read_text("utf-8") == PAGES[name](), (
        "run: python -m roster_pipeline.documentation docs"
    )


def test_the_example_sources_are_right_and_the_same_in_both_places() -> None:
    folder = REPOSITORY / "data" / "sources"
    loaded, mistakes = load_sources(folder, need_environment=False)
    assert mistakes == []
    assert {source.source_id for source in loaded} == {"maple", "maple_csv"}
    for source in loaded:
        packaged = resources.files("roster_pipeline.sandbox").joinpath(f"sources/{source.path.name}")
        assert source.path.read_text("utf-8") == packaged.read_text("utf-8")
