"""The catalogue of data-quality findings, and how found ones reach `sync.issues`."""

from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from roster_pipeline.oneroster.findings import CATALOGUE as CONTAINER_FINDINGS
from roster_pipeline.packaged import packaged_yaml
from roster_pipeline.warehouse.connection import Session


@dataclass(frozen=True)
class IssueCode:
    """What a code means, how bad it is, and what to do."""

    code: str
    severity: Literal["error", "warning"]
    message: str
    rules: tuple[str, ...] = ()
    drops_row: bool = field(default=False)
    """Whether the row is left out although the finding is only a warning: another row stands for it."""


@cache
def catalogue() -> dict[str, IssueCode]:
    """Every code, those of rows and those of packages and pages."""
    container = {
        code: IssueCode(code, finding.severity, f"{finding.message} {finding.remedy}")
        for code, finding in CONTAINER_FINDINGS.items()
    }
    return {**row_catalogue(), **container}


@cache
def row_catalogue() -> dict[str, IssueCode]:
    """Every code of a single row."""
    return {
        code: IssueCode(
            code,
            entry["severity"],
            entry["message"],
            tuple(entry.get("rules", ())),
            drops_row=entry.get("drops_row", False),
        )
        for code, entry in packaged_yaml("issues.yaml").items()
    }


def prepare_findings(session: Session) -> None:
    """Create the temporary table `findings` that SQL fills and `record_findings` empties."""
    session.connection.execute(
        "CREATE OR REPLACE TEMP TABLE findings "
        "(code VARCHAR, kind VARCHAR, sourced_id VARCHAR, detail VARCHAR, position BIGINT)"
    )
    session.execute(
        "CREATE OR REPLACE TEMP TABLE issue_codes AS SELECT unnest($codes::STRUCT("
        "code VARCHAR, severity VARCHAR, message VARCHAR, rule_ids VARCHAR[], drops_row BOOLEAN)[], max_depth := 2)",
        {
            "codes": [
                {
                    "code": entry.code,
                    "severity": entry.severity,
                    "message": entry.message,
                    "rule_ids": list(entry.rules),
                    "drops_row": entry.drops_row or entry.severity == "error",
                }
                for entry in catalogue().values()
            ]
        },
    )


def record_findings(session: Session, run_id: str) -> dict[str, int]:
    """Write what was found to `sync.issues`; returns how many of each severity."""
    session.set_variables(run_id=run_id)
    session.run_file("sync/issues")
    counts = dict(
        session.execute("SELECT severity, count(*) FROM findings JOIN issue_codes USING (code) GROUP BY severity")
    )
    unknown = session.execute("SELECT DISTINCT code FROM findings WHERE code NOT IN (SELECT code FROM issue_codes)")
    if unknown:
        raise KeyError(f"issue codes without an entry in issues.yaml: {unknown}")
    session.connection.execute("DELETE FROM findings")
    return {"error": counts.get("error", 0), "warning": counts.get("warning", 0)}


def issue_counts(session: Session, run_id: str) -> dict[str, int]:
    """All issues of a run so far, by severity."""
    return dict(
        session.execute(
            "SELECT severity, count(*) FROM sync.issues WHERE run_id = $run_id "
            "AND source_id = getvariable('source_id') GROUP BY severity",
            {"run_id": run_id},
        )
    )
