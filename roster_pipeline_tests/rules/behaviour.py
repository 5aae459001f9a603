"""Makes docs/behaviour.md from the rules, the tests that hold them, and a district under two profiles.

`python -m roster_pipeline_tests.rules.behaviour docs`
"""

import ast
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from roster_pipeline_tests.rules.first_night import FirstNight, first_night

TESTS = Path(__file__).parents[1]
PAGE = "behaviour.md"

_INTRODUCTION = """\
<!-- Made from the rules and their tests; run: python -m roster_pipeline_tests.rules.behaviour docs -->

# Behaviour, rule by rule

What the integration does with a roster and with grades, the setting of the source file that governs it, and the test
that holds it. SK are the rules of Skyward, IC those of Infinite Campus, OT those of the passback from Otus to Skyward,
CF those of a source's configuration. The settings are told in [settings.md](settings.md), the issues in
[issues.md](issues.md).

Profiles differ in data only: `roster_pipeline/settings/profiles/*.yaml` are partial source files, and whatever a
district writes into its own file replaces the profile's line. A SIS without a profile takes `generic` and says in its
file what differs.
"""

_EXISTING = """
## What Brightspace holds already

Linking, and finding content to copy, need to know what is there. Two CSV files tell it, in
`$ROSTER_HOME/sources/<source_id>/existing/` or, for a source of kind `folder`, in `existing/` inside that folder:

| file | columns |
| --- | --- |
| `users.csv` | brightspace_id, username, org_defined_id, first_name, last_name, role, is_active; email if known |
| `org_units.csv` | brightspace_id, type, code, name, parent_codes (`\\|` between several), template_code, is_active |

`type` is the name of the org unit type, as in `course offering`. What is linked becomes managed: it shows in
`delta.*` as `update` with a reason that says so, the overwrite switches hold, and the org unit keeps its code. A linked
object counts among what the guard's limits are taken of, and as changed only where a value would change. In the
Standard CSV a code stands for one org unit whatever its type, so over these routes a code that two types share links
nothing.

Content copies that a new offering is due are in `delta.content_copies` and, once the offering is delivered, in
`sync.content_copies` as `waiting`: the Standard CSV cannot carry them.

## Who may start a run

`operators` in the source file lists logins; empty, it is whoever can use the machine. `roster sync` runs as the login
of the shell; a run from the UI says `requested_by` in its configuration, which the UI does not check, so keep the UI
behind a login of its own. Scheduled runs need no permission.
"""


@dataclass(frozen=True)
class Rule:
    """What the integration does, and where it is set."""

    ids: tuple[str, ...]
    says: str
    setting: str | None


def rules() -> dict[str, list[Rule]]:
    """Every rule by subject."""
    document = yaml.safe_load(Path(__file__).with_name("behaviour.yaml").read_text("utf-8"))
    return {
        part["subject"]: [Rule(tuple(ids), says, setting) for ids, says, setting in part["rules"]] for part in document
    }


def tests_by_rule() -> dict[str, list[tuple[Path, str]]]:
    """File and name of the tests marked with each rule."""
    found: dict[str, list[tuple[Path, str]]] = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        named = {
            target.id: set(_marked_rules(node.value))
            for node in tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef) and function.name.startswith("test"):
                ids = set(named.get("pytestmark", set()))
                for decorator in function.decorator_list:
                    ids |= set(_marked_rules(decorator))
                    # Cases that stand in a list of their own.
                    ids |= {
                        rule
                        for name in ast.walk(decorator)
                        if isinstance(name, ast.Name)
                        for rule in named.get(name.id, ())
                    }
                for rule in sorted(ids):
                    found[rule].append((path.relative_to(TESTS), function.name))
    return found


def _marked_rules(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "rule":
            for argument in node.args:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield argument.value


def page(skyward: FirstNight, campus: FirstNight) -> str:
    """The whole page."""
    return _INTRODUCTION + _side_by_side(skyward, campus) + _EXISTING + _tables()


def _tables() -> str:
    held = tests_by_rule()
    lines: list[str] = []
    for subject, entries in rules().items():
        lines += [f"\n## {subject}\n", "| rules | what happens | setting | held by |", "| --- | --- | --- | --- |"]
        for entry in entries:
            tests = sorted({test for rule in entry.ids for test in held.get(rule, [])})
            links = "<br>".join(f"[{_words(name)}](../roster_pipeline_tests/{path})" for path, name in tests)
            setting = f"`{entry.setting}`" if entry.setting else ""
            lines.append(f"| {', '.join(entry.ids)} | {entry.says} | {setting} | {links or 'no test'} |")
    return "\n".join(lines) + "\n"


def _words(name: str) -> str:
    return name.removeprefix("test_").replace("_", " ")


def _side_by_side(skyward: FirstNight, campus: FirstNight) -> str:
    """One district under both profiles."""
    rows: list[tuple[str, str, str]] = []
    for what, key in (
        ("district", "district:district"),
        ("school", "school:elm"),
        ("template", "course_template:lit"),
        ("offering with a lead teacher", "course_offering:lit-1"),
        ("offering without one", "course_offering:lit-2"),
    ):
        for field in ("name", "code"):
            one, two = (str(night.unit(key)[field]) for night in (skyward, campus))
            rows.append((f"{what}: {field}", one, two))
    for role, user in (("student", "sue"), ("teacher", "tina"), ("guardian", "gus")):
        rows.append((f"{role}: org-defined id", *(str(n.user(user)["org_defined_id"]) for n in (skyward, campus))))
    for role, user in (
        ("student", "sue"),
        ("teacher", "tina"),
        ("guardian", "gus"),
        ("parent", "pam"),
        ("relative", "rob"),
        ("administrator", "ada"),
        ("aide", "abe"),
        ("proctor", "pru"),
    ):
        rows.append((f"{role}: enrolled above the courses", *(_upper(night, user) for night in (skyward, campus))))
    rows.append(("guardians of Sam", *(", ".join(sorted(n.guardians("sam"))) for n in (skyward, campus))))
    lines = [
        "\n## One district under two profiles\n",
        "The same feed with the defaults of each profile. Elm is a school of the district; Sam names a guardian, a",
        "parent and a relative.\n",
        "| | Skyward | Infinite Campus |",
        "| --- | --- | --- |",
        *(f"| {what} | {one} | {two} |" for what, one, two in rows),
    ]
    return "\n".join(lines) + "\n"


def _upper(night: FirstNight, user: str) -> str:
    if user not in night.users():
        return "not created, an issue"
    courses = ("course_offering:", "section:")
    return ", ".join(sorted(key for key in night.enrolled(user) if not key.startswith(courses)))


def main(folder: Path) -> None:
    """Write the page into `folder`."""
    with tempfile.TemporaryDirectory() as scratch:
        nights = [first_night(Path(scratch) / profile, profile) for profile in ("skyward", "infinite_campus")]
        (folder / PAGE).write_text(page(*nights), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
