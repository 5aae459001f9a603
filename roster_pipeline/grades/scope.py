"""What an export is about: who asked, for which classes and sessions, and as which kind of run."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Literal

from roster_pipeline.grades.policy import Policy, load_policy
from roster_pipeline.oneroster.gradebook_client import gradebook_scopes
from roster_pipeline.settings import Source
from roster_pipeline.warehouse.connection import Session
from roster_pipeline.warehouse.settings_tables import apply_settings

Trigger = Literal["nightly", "on_demand"]

#: Under it every id of ours in a SIS is derived (RFC 4122, version 5). Never to be changed: ids would be others then.
ID_NAMESPACE = "6f6b9d0e-3a55-5f0b-9c56-5f0d7f2f9a41"


@dataclass(frozen=True)
class ExportRequest:
    """One export, as asked for."""

    run_id: str
    day: date
    """The day to work for, at the district."""
    trigger: Trigger = "nightly"
    requested_by: str | None = None
    """Login of the person who wants it; None for the schedule."""
    by_operator: bool = True
    """Whether the person runs the pipeline, and so needs no place among `allowed_users`."""
    classes: tuple[str, ...] = ()
    """sourcedIds; empty for all."""
    sessions: tuple[str, ...] = ()
    dry_run: bool = False
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC).replace(tzinfo=None))


class ExportRefusedError(Exception):
    """The export must not start. `code` tells why in one word, the message what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def policy_of(settings: Source) -> Policy:
    """The policy of the source. Raises ExportRefusedError where neither file nor profile names one."""
    if settings.grade_export.policy is None:
        raise ExportRefusedError("no_policy", "grade_export.policy is not set; set skyward, infinite_campus or otus")
    return load_policy(settings.grade_export.policy)


def other_year(settings: Source, school_year: str, day: date) -> str | None:
    """Why a night or a backfill sends no grades of `school_year`; None where it is the current one.

    The grades of a year that is over are final: no later change may reach the SIS (D2L's guides to Skyward and
    Infinite Campus, on grades after the end of term). Only a person who asks for that year sends them.
    """
    current = settings.school_year_of(day)
    if school_year == current:
        return None
    return (
        f"grades of {school_year} stay where they are, because the school year is {current}; "
        f"`roster export-grades --school-year {school_year}`, without --nightly, sends them"
    )


def scopes_of(settings: Source) -> list[str]:
    """Short names of the OneRoster scopes that the source's exports need; none where no grades are exported."""
    if not settings.grade_export.enabled:
        return []
    return gradebook_scopes(deletes=policy_of(settings).deletes == "sent")


def apply_request(session: Session, settings: Source, request: ExportRequest) -> None:
    """Make settings, policy and request visible to the SQL of `session`."""
    apply_settings(session, settings)
    export = settings.grade_export
    policy = policy_of(settings)
    is_nightly = request.trigger == "nightly"
    window = export.only_courses_in_progress
    session.set_variables(
        as_of=request.day,
        run_id=request.run_id,
        started_at=request.started_at,
        timezone=settings.timezone,
        id_namespace=ID_NAMESPACE,
        base_url=getattr(settings.connection, "endpoint_url", "").rstrip("/"),
        # What a person asks for goes whatever the state of the course; the filters are the night's.
        only_active_courses=is_nightly and export.only_active_courses,
        only_courses_in_progress=is_nightly and window.enabled,
        days_before_start=window.days_before_start,
        days_after_end=window.days_after_end,
        grading_period_mode=export.grading_period_mode,
        score_status_for_graded=export.score_status_for_graded,
        effective_date=export.otus.effective_date,
        teacher_group=export.otus.teacher_group,
        whole_number_scope=export.otus.whole_number_scope,
        scope_classes=list(request.classes),
        scope_sessions=list(request.sessions),
        **{f"policy_{name}": value for name, value in policy.model_dump().items()},
    )
    session.run_file("grades/macros")
    session.run_file("grades/plan_macros")
    session.connection.execute(
        "CREATE OR REPLACE TEMP TABLE category_map (assessment_type VARCHAR, sis_category_id VARCHAR)"
    )
    if export.otus.category_map:
        session.connection.executemany("INSERT INTO category_map VALUES (?, ?)", list(export.otus.category_map.items()))
