"""Faults and variants of how the service is set up: authentication, address, shape of errors, demands on writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from roster_pipeline.sandbox.objects import Class, User
from roster_pipeline.sandbox.sis.answers import ErrorShape
from roster_pipeline.sandbox.sis.faults.base import Fault

if TYPE_CHECKING:
    from roster_pipeline.sandbox.sis.service import Service


@dataclass(eq=False)
class Oauth1(Fault):
    """Requests are signed with OAuth 1.0a; there are no tokens."""

    signature_method: Literal["HMAC-SHA1", "HMAC-SHA256"] = "HMAC-SHA256"

    def prepare(self, service: Service) -> None:
        service.authentication.scheme = self.signature_method


@dataclass(eq=False)
class ShortTokenLife(Fault):
    """Access tokens last a few seconds only."""

    seconds: float = 2

    def prepare(self, service: Service) -> None:
        service.authentication.token_seconds = self.seconds


class NoExpiresIn(Fault):
    """The token endpoint does not tell how long a token lasts."""

    def prepare(self, service: Service) -> None:
        service.authentication.tells_expires_in = False


class FormBodyCredentials(Fault):
    """The token endpoint reads client id and secret from the form only, not from the header."""

    def prepare(self, service: Service) -> None:
        service.authentication.credentials_in = "body"


@dataclass(eq=False)
class LimitedScopes(Fault):
    """The client is offered some scopes only; asking for another is an invalid_scope."""

    scopes: str = "roster-core.readonly"
    """Short names, separated by blanks."""

    def prepare(self, service: Service) -> None:
        service.authentication.scopes = tuple(self.scopes.split())


@dataclass(eq=False)
class BasePrefix(Fault):
    """The vendor puts a path of its own before the standard's."""

    prefix: str = "/campus/api"

    def prepare(self, service: Service) -> None:
        service.prefix = self.prefix


@dataclass(eq=False)
class ErrorBodies(Fault):
    """Errors are told in another shape than OneRoster's statusInfoSet."""

    shape: ErrorShape = "openapi"

    def prepare(self, service: Service) -> None:
        service.error_shape = self.shape


class CategoryOptional(Fault):
    """Line items may come without a category, as Infinite Campus takes them."""

    def prepare(self, service: Service) -> None:
        service.gradebook.needs_category = False


class GradingPeriodInsisted(Fault):
    """The session of a line item has to be a grading period; a term is refused."""

    def prepare(self, service: Service) -> None:
        service.gradebook.needs_grading_period = True


class AwkwardSourcedIds(Fault):
    """The sourcedIds of classes and users hold a slash, a colon, a percent sign, a hash, blanks and an accent."""

    def prepare(self, service: Service) -> None:
        for kind in (Class, User):
            service.district.rename_sourced_ids(kind, lambda sourced_id: f"{sourced_id}/a:b%2F#ç d")
