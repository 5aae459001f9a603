"""A disk without room fails the delivery, says so, and takes nothing with it."""

import multiprocessing

import pytest

from roster_pipeline_tests.faults.outcome import Outcome, next_night, outcome
from roster_pipeline_tests.faults.processes import delivery_with_small_files, finish, start
from roster_pipeline_tests.pipeline import Pipeline


@pytest.mark.parametrize("largest", [0, 100, 4096])
def test_the_delivery_is_made_up_for_when_there_is_room_again(
    due: Pipeline, undisturbed: Outcome, largest: int
) -> None:
    before = outcome(due)
    told, errors = multiprocessing.Pipe(duplex=False)
    assert finish(start(delivery_with_small_files, due.home.root, largest, errors)) == 1
    assert told.poll(), "it fails for want of room"
    said = told.recv()
    assert said.startswith("There is no room on the disk: ")
    assert str(due.home.root) in said, "it says where"
    assert said.endswith("Make room and run again.")
    assert outcome(due).mappings == before.mappings
    next_night(due)
    assert outcome(due) == undisturbed
