"""Takes categories of the SIS over into the files of a gradebook."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from roster_pipeline.grades.gradebook import COLUMNS
from roster_pipeline.grades.sis_categories import SisCategory, Synced
from roster_pipeline.home import write_atomically


def sync_into_files(path: Path, found: Mapping[str, Sequence[SisCategory]]) -> list[Synced]:
    """Add to `categories.csv` what it lacks, class by class; the file is replaced in one instant, or left alone."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            header, rows = list(reader.fieldnames or []), list(reader)
    except FileNotFoundError:
        header, rows = list(COLUMNS["categories"]), []
    synced = [_into_rows(rows, class_id, categories) for class_id, categories in found.items()]
    if any(result.added or result.renamed for result in synced):
        text = io.StringIO()
        writer = csv.DictWriter(text, header, lineterminator="\n", restval="")
        writer.writeheader()
        writer.writerows(rows)
        write_atomically(path, text.getvalue().encode())
    return synced


def _into_rows(rows: list[dict[str, str]], class_id: str, categories: Sequence[SisCategory]) -> Synced:
    own = [row for row in rows if row["class_sourced_id"] == class_id]
    linked = {row["sis_category_id"]: row for row in own if row["sis_category_id"]}
    names = {row["name"].strip().casefold() for row in own if not row["sis_category_id"]}
    added: list[str] = []
    renamed: list[str] = []
    for category in categories:
        row = linked.get(category.sourced_id)
        if row is None:
            added.append(category.title)
            rows.append(
                {
                    "category_id": f"sis-{category.sourced_id}",
                    "class_sourced_id": class_id,
                    "name": category.title,
                    "sis_enabled": "true",
                    "sis_category_id": category.sourced_id,
                }
            )
        elif row["name"] != category.title:
            renamed.append(category.title)
            row["name"] = category.title
    repeated = sorted(title for title in added if title.strip().casefold() in names)
    return Synced(class_id, added, renamed, len(categories) - len(added), repeated)
