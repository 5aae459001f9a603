"""A run of source systems: one at a time for each, on record in `sync.runs` from its first moment to its last."""

import json
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, date, datetime
from typing import Any, Literal

import dagster as dg
from filelock import FileLock, Timeout
from pydantic import Field, PrivateAttr

from roster_pipeline.home import PRIVATE_FILE, Home, private_folder
from roster_pipeline.partitions import today
from roster_pipeline.settings import Source, load_source, load_sources
from roster_pipeline.warehouse.connection import Session, Warehouse

Status = Literal["started", "success", "held", "dry_run", "reported", "partial", "failed", "interrupted", "refused"]

#: Jobs that ask for a permission of their own, or change nothing.
JOBS_FOR_OTHERS = {"connection_test", "drift", "on_demand_export", "sync_categories"}

#: How long a waiting run stays silent between two looks at the lock, seconds.
LOCK_NEWS = 30.0


class SyncRun(dg.ConfigurableResource["SyncRun"]):
    """What a person may say about a run, and its record."""

    as_of: str | None = Field(None, description="Day to work for, YYYY-MM-DD; today at the district when empty")
    accept_changes: bool = Field(False, description="Let a delta that the guard held back pass, exactly that one")
    dry_run: bool = Field(False, description="The run stops after the delta and is recorded so")
    requested_by: str | None = Field(None, description="Who asked for the run")

    _run_id: str = PrivateAttr("")

    @property
    def run_id(self) -> str:
        return self._run_id

    @property
    def home(self) -> Home:
        return Home.from_environment()

    @property
    def warehouse(self) -> Warehouse:
        return Warehouse(self.home)

    def settings(self, source_id: str) -> Source:
        """The source's settings as its file has them now. Raises SettingsError."""
        return load_source(self.home.sources, source_id).settings

    def day(self, settings: Source) -> date:
        """The day the run works for."""
        return date.fromisoformat(self.as_of) if self.as_of else today(settings.timezone)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Generator["SyncRun"]:
        """Hold the lock of every source of the run, and keep its record."""
        run = context.run
        if run is None:
            yield self
            return
        self._run_id = run.run_id
        sources = _sources(run)
        school_year = run.tags.get("dagster/partition", "")
        with ExitStack() as stack:
            for source_id in sources:
                stack.enter_context(_source_lock(self.home, source_id, context))
            for source_id in sources:
                _end_dead_runs(self.warehouse, source_id, context.instance)
                self._open_record(source_id, school_year, run.tags)
            refusal = self._refusal(sources, run)
            if refusal:
                for source_id in sources:
                    self._record_refusal(source_id, school_year, refusal)
                raise dg.Failure(refusal, allow_retries=False)
            try:
                yield self
            finally:
                failed = context.instance is None or any(
                    stats.status is not None and stats.status.value == "FAILURE"
                    for stats in context.instance.get_run_step_stats(run.run_id)
                )
                for source_id in sources:
                    self._close_record(source_id, school_year, "failed" if failed else "partial")

    def _refusal(self, sources: list[str], run: dg.DagsterRun) -> str | None:
        """Why the run must not go on: it was started by hand by somebody who may not."""
        if _trigger(run.tags) == "schedule" or run.job_name.partition("__")[2] in JOBS_FOR_OTHERS:
            return None
        # A file with mistakes has no list of operators; the first step tells of them.
        loaded, _ = load_sources(self.home.sources, need_environment=False)
        for source in loaded:
            if source.source_id in sources and not source.settings.may_run(self.requested_by):
                who = self.requested_by or "nobody by name (requested_by is empty)"
                return (
                    f"{who} may not start a run of {source.source_id}; "
                    f"ask one of operators, or be added there in {source.path}"
                )
        return None

    def _record_refusal(self, source_id: str, school_year: str, refusal: str) -> None:
        with self.warehouse.transaction(source_id, school_year) as session:
            self.finish(session, "refused")
            session.execute(
                "INSERT INTO sync.audit_log "
                '(source_id, school_year, run_id, "at", kind, sourced_id, action, outcome, error) VALUES '
                "(getvariable('source_id'), getvariable('school_year'), $run_id, $now, 'run', $run_id, 'start', "
                "'refused', $refusal)",
                {"run_id": self.run_id, "now": _now(), "refusal": refusal},
            )

    def note(self, session: Session, **counts: Any) -> None:
        """Add to the run's counts."""
        session.execute(
            "UPDATE sync.runs SET counts = json_merge_patch(coalesce(counts, '{}'::JSON), $counts::JSON) "
            "WHERE source_id = getvariable('source_id') AND run_id = $run_id",
            {"counts": json.dumps(counts), "run_id": self.run_id},
        )

    def finish(self, session: Session, status: Status) -> None:
        """Set the run's end and outcome."""
        session.execute(
            "UPDATE sync.runs SET status = $status, ended_at = $now "
            "WHERE source_id = getvariable('source_id') AND run_id = $run_id",
            {"status": status, "now": _now(), "run_id": self.run_id},
        )

    def conclude(self, source_id: str, school_year: str, status: Status, **counts: Any) -> None:
        """Set the run's end, outcome and last counts, and let analysts see what it left."""
        with self.warehouse.transaction(source_id, school_year, stays_open=True) as session:
            if counts:
                self.note(session, **counts)
            self.finish(session, status)
        self.warehouse.publish()

    def _open_record(self, source_id: str, school_year: str, tags: Mapping[str, str]) -> None:
        with self.warehouse.transaction(source_id, school_year) as session:
            session.execute(
                "INSERT INTO sync.runs "
                "(source_id, school_year, run_id, trigger, requested_by, started_at, status, counts) VALUES "
                "(getvariable('source_id'), getvariable('school_year'), $run_id, $trigger, $who, $now, 'started', "
                "'{}')",
                {"run_id": self.run_id, "trigger": _trigger(tags), "who": self.requested_by, "now": _now()},
            )

    def _close_record(self, source_id: str, school_year: str, status: Status) -> None:
        """Close the record of a run that did not reach its own end."""
        with self.warehouse.transaction(source_id, school_year, stays_open=True) as session:
            session.execute(
                "UPDATE sync.runs SET status = $status, ended_at = $now "
                "WHERE source_id = getvariable('source_id') AND run_id = $run_id AND status = 'started'",
                {"status": status, "now": _now(), "run_id": self.run_id},
            )


def end_dead_runs(home: Home, source_id: str, instance: dg.DagsterInstance) -> None:
    """Tell Dagster of runs of a source that were killed: it would keep the next ones waiting for them.

    Nothing is done while a run of the source is alive.
    """
    if not instance.get_run_ids(dg.RunsFilter(tags={"source": source_id}, statuses=[dg.DagsterRunStatus.STARTED])):
        return
    with suppress(Timeout), _lock_file(home, source_id).acquire(timeout=0):
        _end_dead_runs(Warehouse(home), source_id, instance)


def _end_dead_runs(warehouse: Warehouse, source_id: str, instance: dg.DagsterInstance | None) -> None:
    """The caller holds the source's lock, and so knows that no other run of it is alive."""
    with warehouse.transaction(source_id, "") as session:
        dead = session.execute(
            "UPDATE sync.runs SET status = 'interrupted', ended_at = $now "
            "WHERE source_id = getvariable('source_id') AND status = 'started' RETURNING run_id",
            {"now": _now()},
        )
    for (run_id,) in dead:
        run = instance.get_run_by_id(run_id) if instance else None
        if instance and run and not run.is_finished:
            instance.report_run_failed(
                run, "The run's process ended without a word: it was killed, or the machine was."
            )


def _lock_file(home: Home, source_id: str) -> FileLock:
    return FileLock(private_folder(home.locks) / f"{source_id}.lock", mode=PRIVATE_FILE)


@contextmanager
def _source_lock(home: Home, source_id: str, context: dg.InitResourceContext) -> Generator[None]:
    lock = _lock_file(home, source_id)
    while True:
        try:
            lock.acquire(timeout=LOCK_NEWS)
            break
        except Timeout:
            if context.log:
                context.log.info("Waiting for another run of %s to end", source_id)
    try:
        yield
    finally:
        lock.release()


def _sources(run: dg.DagsterRun) -> list[str]:
    """The source systems a run works for, in the one order in which every run takes their locks."""
    if run.asset_selection:
        return sorted({key.path[0] for key in run.asset_selection})
    return [run.job_name.partition("__")[0]]


def _trigger(tags: Mapping[str, str]) -> str:
    if "dagster/backfill" in tags:
        return "backfill"
    if "dagster/schedule_name" in tags or "dagster/sensor_name" in tags:
        return "schedule"
    return "on_demand"


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
