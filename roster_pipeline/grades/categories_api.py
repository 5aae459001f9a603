"""Takes categories of the SIS over into gradebooks of a Brightspace tenant, once each, however often it is cut off.

Brightspace keeps no id of a SIS category, and its categories may have equal names. Which category stands for which is
on record here, and what is about to be made is on record before it is: whatever appears then under that name is ours.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from roster_pipeline.brightspace.client import BrightspaceClient
from roster_pipeline.brightspace.errors import OutcomeUnknownError
from roster_pipeline.brightspace.models import GradeCategory, SisSettings
from roster_pipeline.grades.gradebook import GradebookError
from roster_pipeline.grades.gradebook_api import OfferingReader, managed
from roster_pipeline.grades.sis_categories import SisCategory, Synced
from roster_pipeline.warehouse.connection import Session, Warehouse

#: Longest name of a category in Brightspace.
_LONGEST_NAME = 128


@dataclass(frozen=True)
class Link:
    """What is on record of one SIS category in one gradebook."""

    sis_category_id: str
    name: str
    brightspace_id: int | None
    same_name_before: Sequence[int] = ()


def sync_into_tenant(
    client: BrightspaceClient,
    warehouse: Warehouse,
    source_id: str,
    school_year: str,
    found: Mapping[str, Sequence[SisCategory]],
) -> list[Synced]:
    """Take categories over, class by class: `found` has those of each. Raises GradebookError, BrightspaceError."""
    with warehouse.transaction(source_id, school_year) as session:
        known = managed(session)
    offerings = {offering.class_sourced_id: id_ for offering, id_ in OfferingReader(client, known).offerings()}
    absent = sorted(set(found) - set(offerings))
    if absent:
        raise GradebookError(
            f"{', '.join(absent)}: Brightspace has no course offering of the class yet; "
            "wait until it has taken the roster in, then try again"
        )
    synced: list[Synced] = []
    for class_id, categories in found.items():
        with warehouse.transaction(source_id, school_year) as session:
            links = read_links(session, class_id)
        book = _Book(client, offerings[class_id], links)
        planned = book.plan(categories)
        with warehouse.transaction(source_id, school_year) as session:
            _note(session, class_id, planned)
        done = book.make(planned)
        with warehouse.transaction(source_id, school_year) as session:
            _note(session, class_id, done)
        synced.append(book.told(class_id, categories))
    return synced


def read_links(session: Session, class_id: str) -> dict[str, Link]:
    """What is on record of a class's gradebook, by SIS category."""
    rows = session.execute(
        "SELECT sis_category_id, name, brightspace_id, same_name_before FROM grades.category_links "
        "WHERE source_id = getvariable('source_id') AND class_sourced_id = $class_id",
        {"class_id": class_id},
    )
    return {row[0]: Link(*row) for row in rows}


class _Book:
    """One gradebook, while categories are taken over into it."""

    def __init__(self, client: BrightspaceClient, offering_id: int, links: dict[str, Link]) -> None:
        self._gradebooks = client.gradebooks
        self._offering_id = offering_id
        self._links = links
        self._there = self._read()
        self._before = dict(self._there)
        self._added: list[str] = []

    def plan(self, categories: Iterable[SisCategory]) -> list[Link]:
        """A link for every category that lacks one; those without an id are to be made."""
        planned: list[Link] = []
        for category in categories:
            link = self._links.get(category.sourced_id)
            if link is None or (link.brightspace_id is not None and link.brightspace_id not in self._there):
                name = _name_of(category)
                adopted = self._of_the_sis(name)
                same = [] if adopted else [each.id for each in self._named(name)]
                link = Link(category.sourced_id, name, adopted, same)
            if link != self._links.get(category.sourced_id) or link.brightspace_id is None:
                planned.append(link)
                self._links[link.sis_category_id] = link
        return planned

    def make(self, planned: Iterable[Link]) -> list[Link]:
        """Make what is to be made; every link has an id then."""
        done: list[Link] = []
        for link in planned:
            if link.brightspace_id is None:
                id_ = self._appeared(link) or self._create(link)
                self._gradebooks.change_category_settings(self._offering_id, id_, SisSettings(None, export_to_sis=True))
                self._added.append(link.name)
                link = Link(link.sis_category_id, link.name, id_)  # noqa: PLW2901 - the same link, now complete
                self._links[link.sis_category_id] = link
            done.append(link)
        return done

    def told(self, class_id: str, categories: Sequence[SisCategory]) -> Synced:
        """What came of it."""
        names = {id_: category.name for id_, category in self._before.items()}
        ours = {link.brightspace_id for link in self._links.values()}
        own = {name.strip().casefold() for id_, name in names.items() if id_ not in ours}
        to_rename = [
            name
            for category in categories
            if names.get(self._links[category.sourced_id].brightspace_id or 0, name := _name_of(category)) != name
        ]
        repeated = sorted(name for name in self._added if name.casefold() in own)
        present = len(categories) - len(self._added)
        return Synced(class_id, self._added, [], present, repeated, to_rename)

    def _create(self, link: Link) -> int:
        try:
            return self._gradebooks.create_category(self._offering_id, link.name)
        except OutcomeUnknownError:
            self._there = self._read()
            id_ = self._appeared(link)
            if id_ is None:
                raise
            return id_

    def _appeared(self, link: Link) -> int | None:
        """The category that was made for a link by a run that did not live to note it."""
        ours = {other.brightspace_id for other in self._links.values()}
        fresh = {each.id for each in self._named(link.name)} - set(link.same_name_before) - ours
        return min(fresh, default=None)

    def _of_the_sis(self, name: str) -> int | None:
        """A category of that name that is marked for the SIS already and stands for no other one."""
        ours = {link.brightspace_id for link in self._links.values()}
        for category in self._named(name):
            if category.id not in ours:
                settings = self._gradebooks.category_settings(self._offering_id, category.id)
                if settings.export_to_sis:
                    return category.id
        return None

    def _named(self, name: str) -> list[GradeCategory]:
        wanted = name.casefold()
        return [category for category in self._there.values() if category.name.strip().casefold() == wanted]

    def _read(self) -> dict[int, GradeCategory]:
        return {category.id: category for category in self._gradebooks.categories(self._offering_id)}


def _name_of(category: SisCategory) -> str:
    return category.title.strip()[:_LONGEST_NAME]


def _note(session: Session, class_id: str, links: Iterable[Link]) -> None:
    for link in links:
        session.execute(
            "DELETE FROM grades.category_links WHERE source_id = getvariable('source_id') "
            "AND class_sourced_id = $class_id AND sis_category_id = $sis_category_id",
            {"class_id": class_id, "sis_category_id": link.sis_category_id},
        )
        session.execute(
            "INSERT INTO grades.category_links (source_id, class_sourced_id, sis_category_id, name, brightspace_id, "
            "same_name_before, noted_at) VALUES (getvariable('source_id'), $class_id, $sis_category_id, $name, $id, "
            "$before::BIGINT[], $now)",
            {
                "class_id": class_id,
                "sis_category_id": link.sis_category_id,
                "name": link.name,
                "id": link.brightspace_id,
                "before": list(link.same_name_before),
                "now": datetime.now(UTC).replace(tzinfo=None),
            },
        )
