from typing import Any

import orjson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roster_pipeline.oneroster.json_rows import EnvelopeError, JsonRows, rows_of
from roster_pipeline.oneroster.raw_parquet import raw_schema
from roster_pipeline.oneroster.resources import (
    ACADEMIC_SESSIONS,
    CLASSES,
    ENROLLMENTS,
    ORGS,
    POSITION,
    ROSTER_RESOURCES,
    USERS,
    Resource,
)

ROW = {"sourcedId": "u-1"}


def raw(resource: Resource, row: Any) -> dict[str, Any]:
    """One row in its raw columns."""
    return JsonRows(resource).batch([row]).to_pylist()[0]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"users": [ROW]}, id="the standard's"),
        pytest.param({"Users": [ROW]}, id="other letters"),
        pytest.param({"students": [ROW]}, id="by path"),
        pytest.param({"data": [ROW]}, id="another key"),
        pytest.param({"statusInfoSet": [{"imsx_codeMajor": "success"}], "people": [ROW]}, id="beside status"),
        pytest.param([ROW], id="array alone"),
        pytest.param({"users": ROW}, id="one row instead of an array"),
        pytest.param({"user": ROW}, id="singular"),
        pytest.param(ROW, id="one row alone"),
    ],
)
def test_rows_are_found_in_every_envelope(body: Any) -> None:
    assert rows_of(USERS, body) == [ROW]


@pytest.mark.parametrize(
    "body", [{"users": []}, {"users": None}, {"anything": None}, {}, [], None, {"statusInfoSet": []}]
)
def test_empty_sets(body: Any) -> None:
    assert rows_of(USERS, body) == []


@pytest.mark.parametrize(
    ("body", "said"),
    [("maintenance", "a str"), ({"error": "no"}, "among the keys error"), ({"a": [], "b": []}, "among the keys a, b")],
)
def test_what_is_no_collection(body: Any, said: str) -> None:
    with pytest.raises(EnvelopeError, match=said):
        rows_of(USERS, body)


@pytest.mark.parametrize(
    ("given_value", "expected"),
    [
        ("active", "active"),
        ("", None),
        (None, None),
        (True, "true"),
        (False, "false"),
        (2027, "2027"),
        (2027.0, "2027"),
        (1.5, "1.5"),
        (["only"], "only"),
        ({"sourcedId": "x"}, "x"),
    ],
)
def test_single_values(given_value: Any, expected: str | None) -> None:
    assert raw(ACADEMIC_SESSIONS, {"schoolYear": given_value})["schoolYear"] == expected


@pytest.mark.parametrize(
    ("given_value", "expected"),
    [
        ({"href": "x", "sourcedId": "o-1", "type": "org"}, "o-1"),
        ({"sourcedid": "o-1"}, "o-1"),
        ("o-1", "o-1"),
        (17, "17"),
        ([{"sourcedId": "o-1"}], "o-1"),
        (None, None),
        ("", None),
        ({}, None),
        ({"href": "x"}, None),
    ],
)
def test_references(given_value: Any, expected: str | None) -> None:
    assert raw(ORGS, {"parent": given_value})["parentSourcedId"] == expected


@pytest.mark.parametrize(
    ("given_value", "expected"),
    [
        ([{"sourcedId": "a"}, {"sourcedId": "b"}], ["a", "b"]),
        (["a", "b"], ["a", "b"]),
        ({"sourcedId": "a"}, ["a"]),
        ("a", ["a"]),
        ([{"sourcedId": "a"}, None, {}], ["a"]),
        (None, []),
        ([], []),
    ],
)
def test_lists_of_references(given_value: Any, expected: list[str]) -> None:
    assert raw(CLASSES, {"terms": given_value})["termSourcedIds"] == expected


@pytest.mark.parametrize(
    ("given_value", "expected"),
    [
        (["1", "3"], ["1", "3"]),
        ([1, 3], ["1", "3"]),
        ("1,3", ["1", "3"]),
        ("1", ["1"]),
        (1, ["1"]),
        (None, []),
        ([None], []),
    ],
)
def test_lists_of_values(given_value: Any, expected: list[str]) -> None:
    assert raw(CLASSES, {"periods": given_value})["periods"] == expected


@pytest.mark.parametrize(
    ("given_value", "expected"),
    [
        ([{"type": "LDAP", "identifier": "ab"}, {"type": "SIS", "identifier": 7}], ["LDAP:ab", "SIS:7"]),
        ([{"identifier": "ab"}], ["ab"]),
        ([{"Type": "LDAP", "Identifier": "ab"}], ["LDAP:ab"]),
        (["{LDAP:ab}"], ["LDAP:ab"]),
        ({"type": "LDAP", "identifier": "ab"}, ["LDAP:ab"]),
        ([{"type": "LDAP"}], []),
        (None, []),
    ],
)
def test_ids_of_other_systems(given_value: Any, expected: list[str]) -> None:
    assert raw(USERS, {"userIds": given_value})["userIds"] == expected


def test_keys_in_other_letters_and_of_the_other_binding() -> None:
    row = raw(ENROLLMENTS, {"SourcedId": "e-1", "classSourcedId": "c-1", "USER": {"sourcedId": "u-1"}})
    assert (row["sourcedId"], row["classSourcedId"], row["userSourcedId"]) == ("e-1", "c-1", "u-1")


def test_a_key_that_is_null_gives_way_to_the_other_spelling() -> None:
    batch = JsonRows(ENROLLMENTS).batch([{"class": None, "classSourcedId": "c-1"}, {"class": "c-2"}])
    assert batch.column("classSourcedId").to_pylist() == ["c-1", "c-2"]


def test_metadata_and_unknown_keys_are_kept_as_json() -> None:
    rows = JsonRows(USERS)
    row = rows.batch([{"sourcedId": "u-1", "metadata": {"a": 1, "b": None}, "pronouns": "they"}]).to_pylist()[0]
    assert row["metadata"] == '{"a":1,"pronouns":"they"}'
    assert [(finding.code, finding.detail) for finding in rows.findings] == [("container.unknown_column", "pronouns")]


@pytest.mark.parametrize("metadata", [None, {}, {"a": None}])
def test_no_metadata(metadata: Any) -> None:
    assert raw(USERS, {"sourcedId": "u-1", "metadata": metadata})["metadata"] is None


def test_passwords_are_dropped() -> None:
    rows = JsonRows(USERS)
    row = {
        "sourcedId": "u-1",
        "password": "hunter2",
        "initialPassword": "hunter2",
        "metadata": {"ext_password": "hunter2", "room": "5"},
    }
    batch = rows.batch([row, row])
    assert "hunter2" not in str(batch.to_pylist())
    assert batch.to_pylist()[0]["metadata"] == '{"room":"5"}'
    assert sorted(finding.detail for finding in rows.findings) == ["initialPassword", "metadata.ext_password"]


def test_what_only_repeats_other_rows_is_left_out() -> None:
    assert raw(ORGS, {"sourcedId": "o-1", "children": [{"sourcedId": "o-2"}]})["metadata"] is None


def test_what_is_no_object_is_left_out_and_told() -> None:
    rows = JsonRows(USERS)
    assert rows.batch([ROW, "nonsense", None]).num_rows == 1
    assert rows.skipped == 2
    assert [finding.code for finding in rows.findings] == ["row.not_an_object"]


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)


@given(st.data())
def test_no_value_whatever_breaks_a_batch(data: st.DataObject) -> None:
    resource = data.draw(st.sampled_from(ROSTER_RESOURCES))
    keys = st.sampled_from([field.json for field in resource.fields] + ["metadata", "other"])
    rows = data.draw(st.lists(st.dictionaries(keys, json_values, max_size=6) | json_values, max_size=4))
    batch = JsonRows(resource).batch(rows)
    assert batch.schema.names == [name for name in raw_schema(resource).names if name != POSITION]
    assert batch.num_rows == sum(isinstance(row, dict) for row in rows)


def reference(sourced_id: str, kind: str) -> dict[str, str]:
    return {"href": f"https://sis.example/{kind}s/{sourced_id}", "sourcedId": sourced_id, "type": kind}


STANDARD_USER = {
    "sourcedId": "u-1",
    "status": "active",
    "dateLastModified": "2026-10-01T00:00:00.000Z",
    "enabledUser": True,
    "orgs": [reference("o-1", "org"), reference("o-2", "org")],
    "role": "student",
    "username": "Zoë",
    "userIds": [{"type": "LDAP", "identifier": "z"}],
    "givenName": "",
    "familyName": None,
    "agents": [],
    "grades": ["03", "04"],
    "password": "hunter2",
}


def test_a_page_of_the_standard_is_read_at_once() -> None:
    content = orjson.dumps({"users": [STANDARD_USER, {"sourcedId": "u-2"}]}, option=orjson.OPT_INDENT_2)
    rows = JsonRows(USERS)
    page = rows.decode(content)
    assert isinstance(page, pa.RecordBatch)
    assert page.equals(rows.batch(orjson.loads(content)["users"]))
    assert "hunter2" not in str(page.to_pylist())


@pytest.mark.parametrize("resource", ROSTER_RESOURCES, ids=lambda resource: resource.name)
def test_an_empty_page_of_the_standard(resource: Resource) -> None:
    rows = JsonRows(resource)
    page = rows.decode(b'{"%s": []}' % resource.name.encode())
    assert isinstance(page, pa.RecordBatch)
    assert page.equals(rows.batch([]))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b'{"users": [{"sourcedId": "a", "givenName": "\xff"}]}', id="no UTF-8"),
        pytest.param(b'{"users": [{"sourcedId": "a"}]', id="cut"),
        pytest.param(b'{"users": []}{"users": []}', id="two documents"),
        pytest.param(b'{"users": []} and more', id="more behind it"),
        pytest.param(b"<html></html>", id="HTML"),
    ],
)
def test_what_is_no_json_is_refused_and_changes_nothing(content: bytes) -> None:
    rows = JsonRows(USERS)
    with pytest.raises(ValueError, match=r"JSON|character|unexpected|UTF-8|trailing"):
        rows.decode(content)
    assert isinstance(rows.decode(b'{"users": []}'), pa.RecordBatch)


def test_an_empty_answer_is_an_empty_page() -> None:
    rows = JsonRows(USERS)
    assert rows.page(rows.decode(b"")).num_rows == 0


#: Values as the standard has them, and now and then another.
texts = st.text(max_size=5) | st.none()
references = st.builds(reference, st.text(min_size=1, max_size=5), st.just("org")) | st.none()
odd = (
    st.integers(-(2**53), 2**53)
    | st.booleans()
    | st.text(max_size=3)
    | st.just({"SourcedId": "x"})
    | st.just([None])
    | st.just({})
)
users = st.fixed_dictionaries(
    {"sourcedId": st.text(max_size=5)},
    optional={
        "status": texts,
        "enabledUser": st.booleans() | st.none(),
        "orgs": st.lists(references, max_size=2) | st.none(),
        "userIds": st.lists(st.fixed_dictionaries({"type": texts, "identifier": texts}), max_size=2) | st.none(),
        "grades": st.lists(texts, max_size=2) | st.none(),
        "children": st.none(),
    },
)
odd_users = st.dictionaries(
    st.sampled_from(["sourcedId", "orgs", "role", "metadata", "grades", "other"]), odd, max_size=2
)


@given(st.lists(users, max_size=4), st.lists(odd_users, max_size=1), st.sampled_from(["users", "people"]))
def test_both_readers_read_the_same(standard: list[Any], departing: list[Any], envelope: str) -> None:
    content = orjson.dumps({envelope: standard + departing})
    rows = JsonRows(USERS)
    assert rows.page(rows.decode(content)).equals(JsonRows(USERS).batch(orjson.loads(content)[envelope]))
