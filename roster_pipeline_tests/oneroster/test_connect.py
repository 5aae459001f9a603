import ast
from pathlib import Path

import pytest
from pydantic import SecretStr

import roster_pipeline.oneroster
from roster_pipeline.oneroster.connect import extractor_for
from roster_pipeline.oneroster.csv_bundle import CsvBundle
from roster_pipeline.oneroster.rest_extract import RestExtractor
from roster_pipeline.oneroster.sftp import SftpSource
from roster_pipeline.settings.connection import Folder, Sftp
from roster_pipeline_tests.oneroster.conftest import StartSis
from roster_pipeline_tests.oneroster.services import rest_settings
from roster_pipeline_tests.oneroster.tables import extract_of, tables_of
from roster_pipeline_tests.roster_files import RosterFiles

PACKAGE = Path(roster_pipeline.oneroster.__file__).parent


@pytest.mark.parametrize("absolute", [True, False])
def test_a_folder_starts_at_home(files: RosterFiles, tmp_path: Path, absolute: bool) -> None:
    package = files.write(tmp_path / "inbox" / "maple")
    connection = Folder(kind="folder", path=str(package) if absolute else "inbox/maple")
    extractor = extractor_for(connection, tmp_path)
    assert isinstance(extractor, CsvBundle)
    assert len(tables_of(extract_of(extractor, tmp_path / "extract"))["users"]) == 5


def test_a_delta_package_finds_the_last_whole_state(files: RosterFiles, tmp_path: Path) -> None:
    extract_of(CsvBundle(files.write(tmp_path / "bulk")), tmp_path / "whole")
    files.modes = dict.fromkeys(files.modes, "absent") | {"orgs": "delta"}
    files.write(tmp_path / "delta")
    extractor = extractor_for(Folder(kind="folder", path="delta"), tmp_path, tmp_path / "whole")
    assert len(tables_of(extract_of(extractor, tmp_path / "extract"))["users"]) == 5


def test_rest(start_sis: StartSis, tmp_path: Path) -> None:
    assert isinstance(extractor_for(rest_settings(start_sis()), tmp_path), RestExtractor)


def test_sftp(tmp_path: Path) -> None:
    connection = Sftp(
        kind="sftp", host="sis.example", username="maple", password=SecretStr("x"), host_key="ssh-ed25519 A"
    )
    assert isinstance(extractor_for(connection, tmp_path), SftpSource)


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("*.py")), ids=lambda path: path.stem)
def test_the_standard_knows_nothing_of_the_rest(path: Path) -> None:
    """OneRoster can be read and tried out without Dagster, Brightspace or the sandbox."""
    imported: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported.add(node.module)
    forbidden = ("dagster", "roster_pipeline.brightspace", "roster_pipeline.sandbox", "roster_pipeline.assets")
    assert [name for name in imported if name.startswith(forbidden)] == []
