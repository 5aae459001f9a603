"""Every fault that extracting can report without stopping: its code, how bad it is, what it says, and the remedy."""

from dataclasses import dataclass
from typing import Literal

from roster_pipeline.oneroster.extract import Finding

Severity = Literal["error", "warning"]

#: `kind` of a finding that belongs to no single resource.
PACKAGE = "package"


@dataclass(frozen=True)
class FindingType:
    """What a finding's code means. `error`: rows were lost or cannot be trusted; `warning`: everything was read."""

    severity: Severity
    message: str
    remedy: str


#: Messages may use {kind}, {sourced_id} and {detail} of the finding.
CATALOGUE: dict[str, FindingType] = {
    "container.folder_in_zip": FindingType(
        "warning",
        "The files of the zip lie in a folder ({detail}).",
        "Ask the SIS vendor to put the files at the root of the zip, as OneRoster demands.",
    ),
    "container.not_listed": FindingType(
        "warning",
        "{detail} is in the package, but manifest.csv says it is absent; it was ignored.",
        "Ask the SIS vendor to list the file in manifest.csv as bulk or delta.",
    ),
    "container.manifest_key_missing": FindingType(
        "warning",
        "manifest.csv lacks {detail}, which OneRoster demands; the file counts as absent.",
        "Ask the SIS vendor to name every file in manifest.csv as absent, bulk or delta.",
    ),
    "container.manifest_key_unknown": FindingType(
        "warning",
        "manifest.csv holds {detail}, which OneRoster 1.1 does not know; it was ignored.",
        "Nothing to do, unless the key is a misspelt one.",
    ),
    "container.manifest_key_misspelt": FindingType(
        "warning",
        "manifest.csv holds a misspelt key ({detail}); it was understood all the same.",
        "Ask the SIS vendor to write the key as OneRoster 1.1 does.",
    ),
    "container.empty": FindingType(
        "warning",
        "{detail} has a header and no rows.",
        "Ask the SIS vendor whether the set is really empty; OneRoster wants such a file marked as absent.",
    ),
    "container.header_order": FindingType(
        "warning",
        "The columns of {detail} are not in OneRoster's order; they were read by name.",
        "Nothing to do.",
    ),
    "container.header_case": FindingType(
        "warning",
        "A column of {kind} is written in other letters than OneRoster's, or with invisible characters ({detail}).",
        "Ask the SIS vendor to write the column's name exactly as OneRoster 1.1 does.",
    ),
    "container.header_alias": FindingType(
        "warning",
        "A column of {kind} has the name that OneRoster 1.0 gave it ({detail}).",
        "Ask the SIS vendor to write the column's name of OneRoster 1.1.",
    ),
    "container.unknown_column": FindingType(
        "warning",
        "{detail} of {kind} is neither a field of OneRoster nor metadata; it was kept as metadata under its own name.",
        "Nothing to do; ask the SIS vendor to send extensions as metadata.",
    ),
    "container.password_dropped": FindingType(
        "warning",
        "{detail} of {kind} is named like a password; it was dropped and not stored.",
        "Ask the SIS vendor to stop sending passwords.",
    ),
    "container.line_ends": FindingType(
        "warning",
        "{detail} ends lines with a bare carriage return; OneRoster demands CRLF or LF.",
        "Ask the SIS vendor to write the file with CRLF or LF line ends.",
    ),
    "paging.duplicates": FindingType(
        "warning",
        "Rows of {kind} came more than once while paging ({detail}); the newest of each was kept.",
        "Nothing to do; if it happens every night, ask the SIS vendor to keep the order of its pages stable.",
    ),
    "paging.unstable": FindingType(
        "error",
        "The number of rows of {kind} changed while they were read, twice ({detail}); "
        "nothing is removed because it is absent.",
        "Choose an hour at which nobody works in the SIS, or ask its vendor why its totals are wrong.",
    ),
    "row.not_an_object": FindingType(
        "error",
        "The service sent something else than an object among the rows of {kind}; it was left out.",
        "Ask the SIS vendor to correct the service.",
    ),
    "row.ragged": FindingType(
        "error",
        "A row of {kind} has more or fewer cells than the header ({detail}); it was left out.",
        "Correct the row in the SIS; a comma or a quote inside a value is the usual cause.",
    ),
    "row.quoting": FindingType(
        "error",
        "A quote in a row of {kind} is opened or closed in the wrong place ({detail}); the row was left out, "
        "and so were the rows that the open quote swallowed.",
        "Ask the SIS vendor to double every quote inside a value and to quote values that hold one.",
    ),
    "row.too_long": FindingType(
        "error",
        "A row of {kind} is longer than a roster row can be ({detail}); it was left out.",
        "Correct the row in the SIS.",
    ),
    "row.line_break": FindingType(
        "error",
        "A value of {kind} {sourced_id} holds a line break ({detail}), which OneRoster forbids; a missing quote may "
        "hide rows behind it, so that nothing is removed because it is absent from this file.",
        "Take the line break or the stray quote out of the value in the SIS.",
    ),
}


def finding(code: str, kind: str, sourced_id: str | None = None, detail: str = "") -> Finding:
    """A finding whose code is in the catalogue. `detail` must hold no pupil's data: lines, counts, column names."""
    if code not in CATALOGUE:
        raise KeyError(code)
    return Finding(code, kind, sourced_id, detail)
