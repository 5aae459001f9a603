"""The made-up district: what its SIS holds at the moment, and how it changes."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, TypeVar, cast

from roster_pipeline.sandbox.objects import KINDS, OneRosterObject, references, refers_to

Kind = TypeVar("Kind", bound=OneRosterObject)


class District:
    """Every object of one district by kind and sourcedId.

    Objects are immutable: a change puts a new one in the old one's place. `lock` guards all of it, so that a server
    may answer from one thread while a test or a demo changes the data from another.
    """

    def __init__(self, name: str, today: date, seed: int, objects: Iterable[OneRosterObject] = ()) -> None:
        self.name = name
        self.today = today
        """The calendar day at the district; changes get it as their dateLastModified."""
        self.seed = seed
        self.lock = threading.RLock()
        self._objects: dict[type[OneRosterObject], dict[str, OneRosterObject]] = {kind: {} for kind in KINDS.values()}
        self._versions: dict[type[OneRosterObject], int] = dict.fromkeys(KINDS.values(), 0)
        for item in objects:
            self._objects[type(item)][item.sourced_id] = item

    def __iter__(self) -> Iterator[OneRosterObject]:
        """Every object, kind by kind."""
        with self.lock:
            return iter([item for objects in self._objects.values() for item in objects.values()])

    def all(self, kind: type[Kind]) -> Mapping[str, Kind]:
        """The objects of a kind by sourcedId, in the order in which the SIS lists them."""
        return cast("Mapping[str, Kind]", self._objects[kind])

    def get(self, kind: type[Kind], sourced_id: str) -> Kind:
        """One object. Raises KeyError when there is none."""
        return self.all(kind)[sourced_id]

    def version(self, kind: type[OneRosterObject]) -> int:
        """A number that grows with every change to objects of that kind."""
        return self._versions[kind]

    @property
    def now(self) -> str:
        """Two in the morning of `today`, as a dateTime of OneRoster."""
        return f"{self.today:%Y-%m-%d}T02:00:00.000Z"

    def put(self, *objects: OneRosterObject) -> None:
        """Add objects, or replace those with the same sourcedId."""
        with self.lock:
            for item in objects:
                self._objects[type(item)][item.sourced_id] = item
                self._versions[type(item)] += 1

    def put_first(self, item: OneRosterObject) -> None:
        """Add an object ahead of the others of its kind."""
        with self.lock:
            kind = type(item)
            self._objects[kind] = {item.sourced_id: item, **self._objects[kind]}
            self._versions[kind] += 1

    def change(self, kind: type[Kind], sourced_id: str, **fields: Any) -> Kind:
        """Give an object other values and a new dateLastModified. Raises KeyError when there is none."""
        with self.lock:
            changed = replace(self.get(kind, sourced_id), **{"date_last_modified": self.now, **fields})
            self.put(changed)
            return changed

    def mark_deleted(self, kind: type[Kind], sourced_id: str) -> Kind:
        """Keep an object with the status `tobedeleted`. Raises KeyError when there is none."""
        return self.change(kind, sourced_id, status="tobedeleted")

    def remove(self, kind: type[Kind], sourced_id: str) -> Kind:
        """Forget an object without a trace. Raises KeyError when there is none."""
        with self.lock:
            removed = self._objects[kind].pop(sourced_id)
            self._versions[kind] += 1
            return cast("Kind", removed)

    def rename_sourced_ids(self, kind: type[OneRosterObject], rename: Callable[[str], str]) -> None:
        """Give all objects of a kind another sourcedId, and change every reference to them along."""
        with self.lock:
            for referring, objects in self._objects.items():
                names = [name for name in references(referring) if refers_to(referring, name) is kind]
                if not names and referring is not kind:
                    continue
                renamed: dict[str, OneRosterObject] = {}
                for item in objects.values():
                    values: dict[str, Any] = {name: _renamed(getattr(item, name), rename) for name in names}
                    if referring is kind:
                        values["sourced_id"] = rename(item.sourced_id)
                    changed = replace(item, **values)
                    renamed[changed.sourced_id] = changed
                self._objects[referring] = renamed
                self._versions[referring] += 1

    def changed_since(self, moment: str) -> list[OneRosterObject]:
        """Objects whose dateLastModified is later than `moment` (a dateTime of OneRoster): a delta package."""
        return [item for item in self if item.date_last_modified > moment]


def _renamed(reference: str | tuple[str, ...] | None, rename: Callable[[str], str]) -> str | tuple[str, ...] | None:
    if isinstance(reference, tuple):
        return tuple(map(rename, reference))
    return rename(reference) if reference else reference
