"""What a journal knows after the process that wrote it is gone."""

import resource
from pathlib import Path

import pytest

from roster_pipeline.brightspace.changes import Confirmed
from roster_pipeline.delivery.bundle_route import DeliveryError
from roster_pipeline.delivery.journal import Journal

MADE = Confirmed("section", "s-1", 6601, "delivered")
REFUSED = Confirmed("user", "u-1", None, "failed", "HTTP 400")


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal")


def left(journal: Journal) -> tuple[list[Confirmed], set[tuple[str, str]]]:
    """What another process finds."""
    return Journal(journal.folder).read()


def test_what_began_and_never_ended_is_known(journal: Journal) -> None:
    journal.begin([("section", "s-1"), ("user", "u-1")])
    assert left(journal) == ([], {("section", "s-1"), ("user", "u-1")})


def test_outcomes_are_on_disk_with_what_begins_next(journal: Journal) -> None:
    journal.begin([("section", "s-1"), ("user", "u-1")])
    journal.end([MADE, REFUSED])
    journal.begin([("user", "u-2")])
    assert left(journal) == ([MADE, REFUSED], {("user", "u-2")})


def test_what_the_warehouse_knows_is_forgotten_and_what_is_under_way_is_not(journal: Journal) -> None:
    journal.begin([("section", "s-1"), ("user", "u-1")])
    journal.end([MADE])
    journal.confirmed()
    assert left(journal) == ([], {("user", "u-1")})
    journal.end([REFUSED])
    journal.confirmed()
    assert left(journal) == ([], set())
    assert not list(journal.folder.iterdir())


def test_a_process_that_died_before_it_could_forget_leaves_both_segments(journal: Journal) -> None:
    journal.begin([("section", "s-1"), ("user", "u-1")])
    journal.end([MADE])
    journal.begin([("user", "u-2")])
    (segment,) = journal.folder.iterdir()
    kept = segment.read_bytes()
    journal.confirmed()
    (journal.folder / "journal-000001.jsonl").write_bytes(kept)
    assert left(journal) == ([MADE], {("user", "u-1"), ("user", "u-2")})


def test_half_a_line_counts_for_nothing(journal: Journal) -> None:
    journal.begin([("section", "s-1")])
    (segment,) = journal.folder.iterdir()
    segment.write_bytes(segment.read_bytes() + b'{"ended":{"kind":"sec')
    assert left(journal) == ([], {("section", "s-1")})


def test_what_cannot_be_noted_does_not_begin(journal: Journal) -> None:
    journal.begin([("section", "s-1")])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50, hard))
    try:
        with pytest.raises(DeliveryError, match="Make room on its disk"):
            journal.begin([("user", "u-1")])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    journal.begin([("user", "u-2")])
    assert left(journal) == ([], {("section", "s-1"), ("user", "u-2")})


def test_only_its_owner_may_read_it(journal: Journal) -> None:
    journal.begin([("section", "s-1")])
    (segment,) = journal.folder.iterdir()
    assert segment.stat().st_mode & 0o777 == 0o600
    assert journal.folder.stat().st_mode & 0o777 == 0o700
