from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roster_pipeline.oneroster.errors import StatusInfo, decode_json, status_info

INFO = StatusInfo("failure", "error", "unknown object", "no such class")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(
            {
                "statusInfoSet": [
                    {
                        "imsx_codeMajor": "failure",
                        "imsx_severity": "error",
                        "imsx_codeMinor": "unknown object",
                        "imsx_description": "no such class",
                    }
                ]
            },
            id="A: a set with the prefix",
        ),
        pytest.param(
            {
                "imsx_codeMajor": "failure",
                "imsx_severity": "error",
                "imsx_description": "no such class",
                "imsx_CodeMinor": {
                    "imsx_codeMinorField": [
                        {"imsx_codeMinorFieldName": "TargetEndSystem", "imsx_codeMinorFieldValue": "unknown object"}
                    ]
                },
            },
            id="B: at the top, minor code nested",
        ),
        pytest.param(
            {
                "imsx_codeMajor": "failure",
                "imsx_severity": "error",
                "imsx_codeMinor": "unknown object",
                "imsx_description": "no such class",
            },
            id="B: at the top, minor code as text",
        ),
        pytest.param(
            {
                "CodeMajor": "failure",
                "Severity": "error",
                "CodeMinor": "unknown object",
                "Description": "no such class",
            },
            id="C: in capitals",
        ),
        pytest.param(
            {
                "statusInfoSet": [
                    {
                        "codeMajor": "failure",
                        "severity": "error",
                        "codeMinor": "unknown object",
                        "description": "no such class",
                    }
                ]
            },
            id="C: a set without the prefix",
        ),
        pytest.param(
            {
                "statusInfoSet": {
                    "imsx_codeMajor": "failure",
                    "imsx_severity": "error",
                    "imsx_codeMinor": "unknown object",
                    "imsx_description": "no such class",
                }
            },
            id="a set that is no array",
        ),
    ],
)
def test_every_shape_is_read(body: Any) -> None:
    assert status_info(body) == INFO
    assert INFO.is_failure
    assert str(INFO) == "unknown object: no such class"


def test_a_failure_among_warnings_counts() -> None:
    body = {"statusInfoSet": [{"imsx_codeMajor": "success"}, {"imsx_codeMajor": "Failure", "imsx_codeMinor": "x"}]}
    info = status_info(body)
    assert info is not None
    assert info.is_failure


def test_a_warning_is_no_failure() -> None:
    info = status_info(
        {"statusInfoSet": [{"imsx_codeMajor": "success", "imsx_codeMinor": "invalid_sort_field"}], "users": []}
    )
    assert info is not None
    assert not info.is_failure


@pytest.mark.parametrize("body", [None, [], {}, "text", {"users": []}, {"error": "x"}, {"statusInfoSet": None}])
def test_bodies_without_status(body: Any) -> None:
    assert status_info(body) is None


def test_long_descriptions_are_cut() -> None:
    assert len(str(StatusInfo(description="x" * 5000))) == 200


@given(st.binary(max_size=200))
def test_bytes_are_json_or_are_refused(content: bytes) -> None:
    try:
        status_info(decode_json(content))
    except ValueError:
        return


def test_nothing_is_null() -> None:
    assert decode_json(b" \n") is None
