"""The gradebook of one offering, and the activities that its items are linked to.

A teacher's doing: every change notes when it happened, because the data sets tell changes by that.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from roster_pipeline.sandbox.brightspace.objects import Clock, invalid, missing

#: Kinds of grade item and their codes (D2L's API reference, grades).
GRADE_TYPES = {
    "Numeric": 1,
    "PassFail": 2,
    "SelectBox": 3,
    "Text": 4,
    "Calculated": 5,
    "Formula": 6,
    "FinalCalculated": 7,
    "FinalAdjusted": 8,
}
CATEGORY_TYPE = 9
#: Ids of the tools that items are linked to.
TOOLS = {"Assignments": 2000, "Quizzes": 2001, "Discussions": 2002}


@dataclass(frozen=True)
class Category:
    id: int
    name: str
    last_modified: datetime
    created: datetime
    export_to_sis: bool = False
    session_org_unit_id: int | None = None
    deleted: datetime | None = None


@dataclass(frozen=True)
class Item:
    id: int
    name: str
    grade_type: str
    max_points: float
    last_modified: datetime
    created: datetime
    category_id: int | None = None
    description: str = ""
    session_org_unit_id: int | None = None
    """Org unit of the academic session under which the SIS gets the item."""
    section_org_unit_id: int | None = None
    end_of_course: bool = False
    is_bonus: bool = False
    can_exceed: bool = False
    exclude_from_final: bool = False
    is_hidden: bool = False
    start_date: datetime | None = None
    end_date: datetime | None = None
    deleted: datetime | None = None


@dataclass(frozen=True)
class Score:
    item_id: int
    user_id: int
    points: float | None
    last_modified: datetime
    comment: str = ""
    text: str = ""
    """What is shown: a symbol of the grade scheme, or the text of a text item."""


@dataclass(frozen=True)
class Activity:
    """An assignment, a quiz or a discussion topic, linked to an item."""

    id: int
    tool: str
    name: str
    item_id: int | None
    start_date: datetime | None = None
    due_date: datetime | None = None
    end_date: datetime | None = None
    forum_id: int | None = None
    """Of a topic."""


@dataclass
class Gradebook:
    """Categories, items, scores and exemptions of one offering. Methods raise TenantError: 404 unknown, 400 refused."""

    offering_id: int
    new_id: Callable[[], int]
    clock: Clock
    categories: dict[int, Category] = field(default_factory=dict[int, Category])
    items: dict[int, Item] = field(default_factory=dict[int, Item])
    scores: dict[tuple[int, int], Score] = field(default_factory=dict[tuple[int, int], Score])
    """By item and user."""
    exemptions: dict[tuple[int, int], datetime] = field(default_factory=dict[tuple[int, int], datetime])
    """By item and user: since when."""
    activities: dict[int, Activity] = field(default_factory=dict[int, Activity])
    forums: dict[int, str] = field(default_factory=dict[int, str])

    def item(self, id_: int) -> Item:
        """An item that is not deleted."""
        item = self.items.get(id_)
        if item is None or item.deleted:
            raise missing(f"there is no grade item {id_}")
        return item

    def category(self, id_: int) -> Category:
        """A category that is not deleted."""
        category = self.categories.get(id_)
        if category is None or category.deleted:
            raise missing(f"there is no grade category {id_}")
        return category

    def add_category(self, name: str, **values: Any) -> Category:
        """`values` are further fields of Category."""
        now = self.clock()
        category = Category(self.new_id(), name, now, now, **values)
        self.categories[category.id] = category
        return category

    def add_item(self, name: str, grade_type: str = "Numeric", max_points: float = 100, **values: Any) -> Item:
        """`values` are further fields of Item. Names are unique inside a gradebook."""
        if grade_type not in GRADE_TYPES:
            raise invalid(f"there is no grade type {grade_type}")
        if any(item.name == name and not item.deleted for item in self.items.values()):
            raise invalid("there is an item of this name already")
        now = self.clock()
        item = Item(self.new_id(), name, grade_type, max_points, now, now, **values)
        self.items[item.id] = item
        return item

    def change_item(self, id_: int, **values: Any) -> Item:
        self.items[id_] = replace(self.item(id_), last_modified=self.clock(), **values)
        return self.items[id_]

    def change_category(self, id_: int, **values: Any) -> Category:
        self.categories[id_] = replace(self.category(id_), last_modified=self.clock(), **values)
        return self.categories[id_]

    def delete_category(self, id_: int) -> None:
        """Its items stay, without a category."""
        now = self.clock()
        self.categories[id_] = replace(self.category(id_), deleted=now, last_modified=now)
        for item in [item for item in self.items.values() if item.category_id == id_]:
            self.items[item.id] = replace(item, category_id=None, last_modified=now)

    def delete_item(self, id_: int) -> None:
        now = self.clock()
        self.items[id_] = replace(self.item(id_), deleted=now, last_modified=now)

    def restore_item(self, id_: int) -> Item:
        """A deleted item comes back with the id and the scores it had."""
        if id_ not in self.items or not self.items[id_].deleted:
            raise missing(f"there is no deleted grade item {id_}")
        self.items[id_] = replace(self.items[id_], deleted=None, last_modified=self.clock())
        return self.items[id_]

    def set_score(
        self, item_id: int, user_id: int, points: float | None, *, comment: str = "", text: str = ""
    ) -> Score:
        """Mark a learner; `points=None` clears the mark."""
        self.item(item_id)
        score = Score(item_id, user_id, points, self.clock(), comment, text)
        self.scores[item_id, user_id] = score
        return score

    def exempt(self, item_id: int, user_id: int) -> None:
        self.item(item_id)
        self.exemptions[item_id, user_id] = self.clock()
        self._touch(item_id, user_id)

    def end_exemption(self, item_id: int, user_id: int) -> None:
        self.item(item_id)
        if self.exemptions.pop((item_id, user_id), None) is None:
            raise missing(f"user {user_id} is not exempt from grade item {item_id}")
        self._touch(item_id, user_id)

    def add_activity(self, tool: str, name: str, item_id: int | None, **dates: datetime | None) -> Activity:
        """An activity of one of `TOOLS`; `dates` are start_date, due_date and end_date. Topics get a forum."""
        forum_id = None
        if tool == "Discussions":
            forum_id = next(iter(self.forums), None) or self.new_id()
            self.forums[forum_id] = "General"
        activity = Activity(self.new_id(), tool, name, item_id, forum_id=forum_id, **dates)
        self.activities[activity.id] = activity
        return activity

    def activity_of(self, item_id: int) -> Activity | None:
        return next((activity for activity in self.activities.values() if activity.item_id == item_id), None)

    def _touch(self, item_id: int, user_id: int) -> None:
        score = self.scores.get((item_id, user_id))
        self.scores[item_id, user_id] = (
            replace(score, last_modified=self.clock()) if score else Score(item_id, user_id, None, self.clock())
        )
