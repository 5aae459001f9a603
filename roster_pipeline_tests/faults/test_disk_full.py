"""A disk without room fails what is to be written, says so, and takes nothing with it."""

import multiprocessing
from collections.abc import Callable

import pytest

from roster_pipeline_tests.faults.outcome import Outcome, next_night, outcome
from roster_pipeline_tests.faults.processes import deliver_delta, finish, publish, start, with_small_files
from roster_pipeline_tests.pipeline import Pipeline


@pytest.mark.parametrize("largest", [0, 100, 4096])
def test_the_delivery_is_made_up_for_when_there_is_room_again(
    due: Pipeline, undisturbed: Outcome, largest: int
) -> None:
    before = outcome(due)
    _has_no_room(due, deliver_delta, largest)
    assert outcome(due).mappings == before.mappings
    next_night(due)
    assert outcome(due) == undisturbed


def test_the_copy_for_analysts_stays_as_it_was(due: Pipeline) -> None:
    due.warehouse.publish()
    before = due.warehouse.published_path.read_bytes()
    next_night(due)
    _has_no_room(due, publish, 4096)
    assert due.warehouse.published_path.read_bytes() == before
    assert not list(due.home.warehouse.glob("*.tmp"))
    due.warehouse.publish()
    assert due.warehouse.published_path.read_bytes() == due.warehouse.path.read_bytes()


def _has_no_room(pipeline: Pipeline, work: Callable[[Pipeline], None], largest: int) -> None:
    told, errors = multiprocessing.Pipe(duplex=False)
    assert finish(start(with_small_files, pipeline.home.root, work, largest, errors)) == 1
    assert told.poll(), "it fails for want of room"
    said = told.recv()
    assert said.startswith("There is no room on the disk: ")
    assert str(pipeline.home.root) in said, "it says where"
    assert said.endswith("Make room and run again.")
