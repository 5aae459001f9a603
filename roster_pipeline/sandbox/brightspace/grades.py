"""Operations on gradebooks and on the dates of the activities that items are linked to."""

from roster_pipeline.sandbox.brightspace.answers import Json, object_list_page, utc_text
from roster_pipeline.sandbox.brightspace.gradebook import GRADE_TYPES, TOOLS, Activity, Category, Gradebook, Item, Score
from roster_pipeline.sandbox.brightspace.objects import invalid, missing
from roster_pipeline.sandbox.brightspace.operations import Call, Operations
from roster_pipeline.sandbox.brightspace.people import user_info

OPERATIONS = Operations()
_ITEMS = "grades:gradeobjects:read"
_VALUES = "grades:gradevalues:read"
_LONGEST_NAME = 128
#: Rows on a page where the request does not say.
_PAGE_SIZE = 20


def _book(call: Call) -> Gradebook:
    return call.tenant.gradebook(call.id("ou"))


@OPERATIONS.add("GET", "/{ou:int}/grades/", _ITEMS, "le")
def items(call: Call) -> list[Json]:
    book = _book(call)
    return [_item(book, item) for item in book.items.values() if not item.deleted]


@OPERATIONS.add("GET", "/{ou:int}/grades/categories/", "grades:gradecategories:read", "le")
def categories(call: Call) -> list[Json]:
    book = _book(call)
    return [_category(book, category) for category in book.categories.values() if not category.deleted]


@OPERATIONS.add("POST", "/{ou:int}/grades/categories/", "grades:gradecategories:write", "le")
def create_category(call: Call) -> Json:
    """Names may repeat. There is no operation to change a category afterwards."""
    book = _book(call)
    name = call.field("Name", str)
    if not 0 < len(name.strip()) <= _LONGEST_NAME:
        raise invalid(f"Name must have 1 to {_LONGEST_NAME} characters")
    for field in ("CanExceedMax", "ExcludeFromFinalGrade"):
        call.field(field, bool)
    return _category(book, book.add_category(name))


@OPERATIONS.add("DELETE", "/{ou:int}/grades/categories/{id:int}", "grades:gradecategories:delete", "le")
def delete_category(call: Call) -> None:
    _book(call).delete_category(call.id())


@OPERATIONS.add("GET", "/{ou:int}/grades/setup/", "grades:gradesettings:read", "le")
def setup(call: Call) -> Json:
    _book(call)
    return {"GradingSystem": "Points", "IsNullGradeZero": False, "DefaultGradeSchemeId": 0}


@OPERATIONS.add("GET", "/{ou:int}/grades/categories/{id:int}/ipsis", component="le")
def category_ipsis(call: Call) -> Json:
    category = _book(call).category(call.id())
    return {"ExportToSIS": category.export_to_sis, "AcademicSessionOrgUnitId": category.session_org_unit_id}


@OPERATIONS.add("PUT", "/{ou:int}/grades/categories/{id:int}/ipsis", component="le")
def change_category_ipsis(call: Call) -> Json:
    _book(call).change_category(
        call.id(),
        export_to_sis=call.field("ExportToSIS", bool),
        session_org_unit_id=call.field("AcademicSessionOrgUnitId", int, None),
    )
    return category_ipsis(call)


@OPERATIONS.add("GET", "/{ou:int}/grades/{id:int}/ipsis", component="le")
def item_ipsis(call: Call) -> Json:
    item = _book(call).item(call.id())
    return {
        "AcademicSessionOrgUnitId": item.session_org_unit_id,
        "EndOfCourse": item.end_of_course,
        "PowerSchoolGradeType": None,
        "SectionOrgUnitId": item.section_org_unit_id,
    }


@OPERATIONS.add("PUT", "/{ou:int}/grades/{id:int}/ipsis", component="le")
def change_item_ipsis(call: Call) -> Json:
    _book(call).change_item(
        call.id(),
        session_org_unit_id=call.field("AcademicSessionOrgUnitId", int, None),
        section_org_unit_id=call.field("SectionOrgUnitId", int, None),
        end_of_course=call.field("EndOfCourse", bool, default=False),
    )
    return item_ipsis(call)


@OPERATIONS.add("GET", "/{ou:int}/grades/{id:int}/values/", _VALUES, "le")
def values(call: Call) -> Json:
    """One row for each learner of the offering, marked or not."""
    book, users = _book(call), call.tenant.directory.users
    item = book.item(call.id())
    is_graded = call.query("isGraded")
    rows: list[Json] = []
    for user_id in _learners(call):
        score = book.scores.get((item.id, user_id))
        graded = score is not None and (score.points is not None or bool(score.text))
        if is_graded is None or (is_graded.lower() == "true") == graded:
            value = _value(book, item, score) if score and graded else None
            rows.append({"User": user_info(users[user_id]), "GradeValue": value})
    return object_list_page(call.request, rows, int(call.query("pageSize") or _PAGE_SIZE))


@OPERATIONS.add("GET", "/{ou:int}/grades/{id:int}/values/{user:int}", _VALUES, "le")
def value(call: Call) -> Json:
    book = _book(call)
    score = book.scores.get((call.id(), call.id("user")))
    if score is None:
        raise missing("the learner has no mark here")
    return _value(book, book.item(call.id()), score)


@OPERATIONS.add("GET", "/{ou:int}/grades/{id:int}/exemptions/", component="le")
def exemptions(call: Call) -> list[Json]:
    book, users = _book(call), call.tenant.directory.users
    item = book.item(call.id())
    return [user_info(users[user_id]) for item_id, user_id in sorted(book.exemptions) if item_id == item.id]


@OPERATIONS.add("GET", "/{ou:int}/dropbox/folders/", "dropbox:folders:read", "le")
def folders(call: Call) -> list[Json]:
    return [
        {
            "Id": activity.id,
            "Name": activity.name,
            "DueDate": utc_text(activity.due_date),
            "Availability": {
                "StartDate": utc_text(activity.start_date),
                "EndDate": utc_text(activity.end_date),
                "StartDateAvailabilityType": 0,
                "EndDateAvailabilityType": 0,
            }
            if activity.start_date or activity.end_date
            else None,
            "GradeItemId": activity.item_id,
            "Assessment": {"ScoreDenominator": None},
        }
        for activity in _activities(call, "Assignments")
    ]


@OPERATIONS.add("GET", "/{ou:int}/quizzes/", "quizzing:quizzes:read", "le")
def quizzes(call: Call) -> Json:
    rows = [
        {
            "QuizId": activity.id,
            "Name": activity.name,
            "StartDate": utc_text(activity.start_date),
            "EndDate": utc_text(activity.end_date),
            "DueDate": utc_text(activity.due_date),
            "GradeItemId": activity.item_id,
        }
        for activity in _activities(call, "Quizzes")
    ]
    return object_list_page(call.request, rows, call.settings.page_size)


@OPERATIONS.add("GET", "/{ou:int}/discussions/forums/", "discussions:forums:readonly", "le")
def forums(call: Call) -> list[Json]:
    return [{"ForumId": id_, "Name": name} for id_, name in _book(call).forums.items()]


@OPERATIONS.add("GET", "/{ou:int}/discussions/forums/{id:int}/topics/", "discussions:topics:readonly", "le")
def topics(call: Call) -> list[Json]:
    """Topics have no due date."""
    if call.id() not in _book(call).forums:
        raise missing(f"there is no forum {call.id()}")
    return [
        {
            "ForumId": activity.forum_id,
            "TopicId": activity.id,
            "Name": activity.name,
            "StartDate": utc_text(activity.start_date),
            "EndDate": utc_text(activity.end_date),
            "GradeItemId": activity.item_id,
        }
        for activity in _activities(call, "Discussions")
        if activity.forum_id == call.id()
    ]


def _category(book: Gradebook, category: Category) -> Json:
    return {
        "Id": category.id,
        "Grades": [
            _item(book, item) for item in book.items.values() if item.category_id == category.id and not item.deleted
        ],
        "Name": category.name,
        "ShortName": "",
        "CanExceedMax": False,
        "ExcludeFromFinalGrade": False,
        "StartDate": None,
        "EndDate": None,
        "Weight": None,
        "MaxPoints": None,
        "AutoPoints": False,
        "WeightDistributionType": 0,
        "NumberOfHighestToDrop": 0,
        "NumberOfLowestToDrop": 0,
    }


def _activities(call: Call, tool: str) -> list[Activity]:
    return [activity for activity in _book(call).activities.values() if activity.tool == tool]


def _learners(call: Call) -> list[int]:
    return [each.user_id for each in call.tenant.enrollments_in(call.id("ou")) if each.role.shows_in_grades]


def _item(book: Gradebook, item: Item) -> Json:
    activity = book.activity_of(item.id)
    block: Json = {
        "Id": item.id,
        "Name": item.name,
        "ShortName": "",
        "GradeType": item.grade_type,
        # Two ways to say that there is none.
        "CategoryId": item.category_id or (0 if item.id % 2 else None),
        "Description": {"Text": item.description, "Html": item.description and f"<p>{item.description}</p>"},
        "Weight": None,
        "AssociatedTool": {"ToolId": TOOLS[activity.tool], "ToolItemId": activity.id} if activity else None,
        "IsHidden": item.is_hidden,
    }
    if item.grade_type in {"Numeric", "PassFail", "SelectBox"}:
        block |= {
            "MaxPoints": item.max_points,
            "IsBonus": item.is_bonus,
            "ExcludeFromFinalGradeCalculation": item.exclude_from_final,
            "GradeSchemeId": None,
            "GradeSchemeUrl": "",
        }
    if item.grade_type == "Numeric":
        block["CanExceedMaxPoints"] = item.can_exceed
    if item.grade_type == "Formula":
        block["MaxPoints"] = item.max_points
    return block


def _value(book: Gradebook, item: Item, score: Score) -> Json:
    block: Json = {
        "UserId": str(score.user_id),
        "OrgUnitId": str(book.offering_id),
        "DisplayedGrade": score.text or f"{score.points} / {item.max_points}",
        "GradeObjectIdentifier": str(item.id),
        "GradeObjectName": item.name,
        "GradeObjectType": GRADE_TYPES[item.grade_type],
        "GradeObjectTypeName": item.grade_type,
        "Comments": {"Text": score.comment, "Html": score.comment and f"<p>{score.comment}</p>"},
        "PrivateComments": {"Text": "", "Html": ""},
        "LastModified": utc_text(score.last_modified),
        "LastModifiedBy": None,
        "ReleasedDate": utc_text(score.last_modified),
    }
    if item.grade_type != "Text":
        block |= {
            "PointsNumerator": score.points,
            "PointsDenominator": item.max_points,
            "WeightedNumerator": None,
            "WeightedDenominator": None,
        }
    return block
