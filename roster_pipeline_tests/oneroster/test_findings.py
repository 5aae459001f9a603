import re
from pathlib import Path

import pytest

import roster_pipeline.oneroster
from roster_pipeline.oneroster.extract import Finding
from roster_pipeline.oneroster.findings import CATALOGUE, finding

PACKAGE = Path(roster_pipeline.oneroster.__file__).parent


def test_every_code_says_what_and_what_to_do() -> None:
    for code, entry in CATALOGUE.items():
        assert re.fullmatch(r"(container|paging|row)\.[a-z_]+", code)
        for text in (entry.message, entry.remedy):
            assert text.endswith("."), code
            assert text[0].isupper() or text[0] == "{" or text.startswith("manifest.csv"), code
            text.format(kind="user", sourced_id="u-1", detail="line 3")


def test_every_code_in_use_is_in_the_catalogue_and_the_reverse() -> None:
    used: set[str] = set()
    for path in PACKAGE.glob("*.py"):
        if path.stem != "findings":
            used |= set(re.findall(r'"((?:container|paging|row)\.[a-z_]+)"', path.read_text("utf-8")))
    # Codes of the same families that are found later, by the row's content.
    used -= {"row.sourced_id_missing"}
    assert used == set(CATALOGUE)


def test_a_finding_needs_a_known_code() -> None:
    assert finding("row.ragged", "user", "u-1", "line 3") == Finding("row.ragged", "user", "u-1", "line 3")
    with pytest.raises(KeyError):
        finding("row.unheard_of", "user")
