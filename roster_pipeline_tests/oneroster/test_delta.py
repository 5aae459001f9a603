import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from roster_pipeline.oneroster.csv_bundle import CsvBundle
from roster_pipeline.oneroster.extract import Extract, ExtractError
from roster_pipeline.oneroster.resources import POSITION, ROSTER_RESOURCES
from roster_pipeline_tests.oneroster.tables import by_id, extract_of, is_empty, no_progress, tables_of
from roster_pipeline_tests.roster_files import RosterFiles

MODIFIED = "2026-10-02T03:00:00.000Z"


@pytest.fixture
def whole(files: RosterFiles, tmp_path: Path) -> Path:
    """The folder of a whole state."""
    extract_of(CsvBundle(files.write(tmp_path / "bulk")), tmp_path / "whole")
    return tmp_path / "whole"


@pytest.fixture
def changes() -> RosterFiles:
    """A delta: Sue renamed, a new pupil, Pat to be deleted, a new enrollment; nothing else is in the package."""
    files = RosterFiles()
    files.modes = {resource.name: "absent" for resource in ROSTER_RESOURCES}
    files.modes |= {"users": "delta", "enrollments": "delta"}
    files.user("sue", "student", ["elm"], status="active", dateLastModified=MODIFIED, familyName="Changed")
    files.user("new", "student", ["elm"], status="active", dateLastModified=MODIFIED)
    files.user("pat", "student", ["oak"], status="tobedeleted", dateLastModified=MODIFIED)
    files.enroll("new", "lit-1", status="active", dateLastModified=MODIFIED)
    return files


def delta_extract(changes: RosterFiles, tmp_path: Path, previous: Path | None, name: str = "extract") -> Extract:
    package = changes.write(tmp_path / f"{name}-package")
    return extract_of(CsvBundle(package, previous), tmp_path / name)


def test_rows_are_replaced_added_kept_and_told_gone(changes: RosterFiles, whole: Path, tmp_path: Path) -> None:
    extracted = delta_extract(changes, tmp_path, whole)
    users = by_id(tables_of(extracted)["users"])
    assert set(users) == {"sam", "sue", "pat", "tina", "gus", "new"}
    assert users["sue"]["familyName"] == "Changed"
    assert users["sam"]["familyName"] == "Family sam"
    assert users["pat"]["status"] == "tobedeleted"
    assert len(tables_of(extracted)["enrollments"]) == 7
    assert extracted.resources["users"].mode == "delta"
    assert extracted.resources["users"].rows == 6


def test_what_is_absent_is_carried_over(changes: RosterFiles, whole: Path, tmp_path: Path) -> None:
    extracted = delta_extract(changes, tmp_path, whole)
    assert {row["sourcedId"] for row in tables_of(extracted)["classes"]} == {"lit-1", "lit-2", "math-1"}
    assert extracted.resources["classes"].mode == "absent"


def test_places_in_the_feed_stay_unique(changes: RosterFiles, whole: Path, tmp_path: Path) -> None:
    extracted = delta_extract(changes, tmp_path, whole)
    positions = pq.read_table(extracted.resources["users"].path).column(POSITION).to_pylist()
    assert len(set(positions)) == len(positions)


def test_ids_are_compared_without_blanks_around_them(changes: RosterFiles, whole: Path, tmp_path: Path) -> None:
    changes.add("users", "pad", **{**changes.rows["users"]["sue"], "sourcedId": " sue "})
    changes.remove("users", "sue")
    users = tables_of(delta_extract(changes, tmp_path, whole))["users"]
    assert sorted(row["sourcedId"].strip() for row in users) == ["gus", "new", "pat", "sam", "sue", "tina"]


def test_the_same_delta_again_changes_nothing(changes: RosterFiles, whole: Path, tmp_path: Path) -> None:
    once = tables_of(delta_extract(changes, tmp_path, whole, "once"))
    twice = tables_of(delta_extract(changes, tmp_path, tmp_path / "once", "twice"))
    assert {name: by_id(rows) for name, rows in twice.items()} == {name: by_id(rows) for name, rows in once.items()}


def test_bulk_and_delta_in_one_package(changes: RosterFiles, whole: Path, tmp_path: Path) -> None:
    changes.modes["enrollments"] = "bulk"
    extracted = delta_extract(changes, tmp_path, whole)
    assert [row["sourcedId"] for row in tables_of(extracted)["enrollments"]] == ["e-new-lit-1"]
    assert len(tables_of(extracted)["users"]) == 6


@pytest.mark.parametrize("missing", ["state", "file"])
def test_refused_without_a_whole_state(changes: RosterFiles, whole: Path, tmp_path: Path, missing: str) -> None:
    if missing == "state":
        shutil.rmtree(whole)
    else:
        (whole / "users.parquet").unlink()
    destination = tmp_path / "refused"
    destination.mkdir()
    bundle = CsvBundle(changes.write(tmp_path / "delta"), whole)
    with pytest.raises(ExtractError, match=r"file.users: delta holds changes only.*Have the SIS send one package"):
        bundle.extract(destination, no_progress)
    assert is_empty(destination)
