"""What Brightspace takes: lengths and forbidden characters, for every route into it.

Sources: D2L's Standard CSV documentation (org unit, user and enrollment files; validation mode), the API reference
(courses, org units, users, enrollments, grades), and the column widths of the Brightspace Data Sets.
"""

import re
from dataclasses import dataclass

#: Org unit codes are identifiers: the Standard CSV cuts a longer one, the API refuses it.
CODE_LENGTH = 50
NAME_LENGTH = 128
USERNAME_LENGTH = 256
ORG_DEFINED_ID_LENGTH = 256
PERSON_NAME_LENGTH = 64
EMAIL_LENGTH = 256
ROLE_NAME_LENGTH = 60
#: The data sets cut a longer comment.
SCORE_COMMENT_LENGTH = 1000

#: Rows that one call to a batch route may carry.
BATCH_ROWS = 1000
#: A tenant gives each registered application this many credits a minute …
CREDITS_PER_MINUTE = 50_000
#: … and a call costs this many.
CREDITS_PER_CALL = 10

#: Validation mode names all of these but the comma for org units, the file format forbids the comma, and the API
#: forbids the same ten.
CODE_FORBIDDEN = r""":%&#*?<>|\"',"""
#: Usernames and org-defined ids.
USER_FORBIDDEN = r"""\/:*?"<>|',;"""
#: Text that is nobody's key may hold everything but what tears a row of a CSV apart.
TEXT_FORBIDDEN = '"'


@dataclass(frozen=True)
class TextLimit:
    """What one text field may hold."""

    length: int
    """Most characters."""
    forbidden: str = TEXT_FORBIDDEN
    """Characters that must not occur; control characters, line breaks among them, never may."""

    @property
    def forbidden_pattern(self) -> str:
        """A regular expression, for Python and DuckDB alike, that finds a character too many."""
        return rf"[{re.escape(self.forbidden)}\x00-\x1f\x7f]"


CODE = TextLimit(CODE_LENGTH, CODE_FORBIDDEN)
NAME = TextLimit(NAME_LENGTH)
USERNAME = TextLimit(USERNAME_LENGTH, USER_FORBIDDEN)
ORG_DEFINED_ID = TextLimit(ORG_DEFINED_ID_LENGTH, USER_FORBIDDEN)
PERSON_NAME = TextLimit(PERSON_NAME_LENGTH)
EMAIL = TextLimit(EMAIL_LENGTH)
ROLE_NAME = TextLimit(ROLE_NAME_LENGTH)
