"""A district in which every rule about what becomes of a roster has something to bite on."""

from roster_pipeline_tests.roster_files import RosterFiles, maple


def whole_district() -> RosterFiles:
    """The Maple district with the odd cases of real ones.

    Beside what `maple` holds:

    - a local agency `north` between district and Elm, and Oak without a parent;
    - last year's sessions, a semester, and courses without a class of this year: `art` has none, `music` one of last
      year, `shop` a deleted one, `dance` an inactive one;
    - three sections of `english` (1200): `eng-2` and `eng-3` led by Olivia Hernandez, `eng-4` with a teacher who
      does not lead;
    - Sam's mother `pam` (parent), aunt `rob` (relative), and an agent that the SIS did not send;
    - `ada`, administrator of the district, an aide, and a proctor, whom no profile maps;
    - a pupil and a teacher without a last name, and a pupil whose account is disabled.
    """
    files = maple()
    files.org("north", "local", "North Agency", parentSourcedId="district")
    files.change("orgs", "elm", parentSourcedId="north")
    files.change("orgs", "oak", parentSourcedId="")
    files.session("semester", "semester", "2026-08-15", "2027-01-20", title="Semester 1", parentSourcedId="year")
    files.session("last-year", "schoolYear", "2025-08-01", "2026-06-30", "2026", title="2025-2026")
    files.session(
        "last-fall", "term", "2025-08-15", "2025-12-20", "2026", title="Fall 2025", parentSourcedId="last-year"
    )
    files.course("english", "English", "1200")
    for course in ("art", "music", "shop", "dance"):
        files.course(course, course.title(), course.upper())
    files.class_("music-1", "music", "elm", ["last-fall"], "MUSIC/001")
    files.class_("shop-1", "shop", "elm", ["fall"], "SHOP/001", status="tobedeleted")
    files.class_("dance-1", "dance", "elm", ["fall"], "DANCE/001", status="inactive")
    for number in ("2", "3", "4"):
        files.class_(f"eng-{number}", "english", "elm", ["fall"], f"1200-{number}", title="Grade 9 English")
    files.user("olivia", "teacher", ["elm"], givenName="Olivia", familyName="Hernandez")
    files.user("ted", "teacher", ["elm"], identifier="")
    files.user("pam", "parent", ["elm"])
    files.user("rob", "relative", ["elm"])
    files.change("users", "sam", agentSourcedIds=["gus", "pam", "rob", "nobody"])
    files.user("ada", "administrator", ["district"])
    files.user("abe", "aide", ["elm"])
    files.user("pru", "proctor", ["elm"])
    files.user("nona", "student", ["elm"], familyName="  ")
    files.user("noel", "teacher", ["elm"], givenName="")
    files.user("dan", "student", ["elm"], enabledUser="false")
    files.enroll("olivia", "eng-2", "teacher", primary="true")
    files.enroll("olivia", "eng-3", "teacher", primary="true")
    files.enroll("ted", "eng-4", "teacher", primary="false")
    files.enroll("nona", "lit-1")
    return files
