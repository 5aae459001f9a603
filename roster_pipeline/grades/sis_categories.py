"""Categories as the SIS lists them, and what came of taking them over into a gradebook."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class SisCategory:
    """A category of the SIS; its title is all of it that is taken over."""

    sourced_id: str
    title: str


@dataclass(frozen=True)
class Synced:
    """What a class's gradebook got."""

    class_sourced_id: str
    added: list[str]
    renamed: list[str]
    present: int
    repeated_names: list[str]
    """Names that a category made by a teacher has too; both stay."""
    to_rename: list[str] = field(default_factory=list)
    """Names that the SIS has changed and the gradebook lets only its teacher change."""
