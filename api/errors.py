"""How errors become answers of the service: one table of classes and their status.

An answer in error is ``application/problem+json`` (RFC 9457) with the four parts of the message; it
also has the ``code`` and ``description`` of the OGC exception schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from spatial.errors import (
    ConflictError,
    CRSError,
    FileError,
    KnowledgeError,
    SchemaError,
    SearchError,
    UsageError,
    WanggeError,
)
from spatial.messages import text

__all__ = ["STATUS", "NotFoundError", "RefusedError", "problem", "status_of"]


class NotFoundError(WanggeError):
    """An address names nothing that is here."""


class RefusedError(WanggeError):
    """A request came by a way that a single-user service does not serve."""


STATUS: Mapping[type[WanggeError], HTTPStatus] = MappingProxyType(
    {
        UsageError: HTTPStatus.BAD_REQUEST,
        CRSError: HTTPStatus.BAD_REQUEST,
        RefusedError: HTTPStatus.FORBIDDEN,
        NotFoundError: HTTPStatus.NOT_FOUND,
        ConflictError: HTTPStatus.CONFLICT,
        FileError: HTTPStatus.UNPROCESSABLE_ENTITY,
        SchemaError: HTTPStatus.UNPROCESSABLE_ENTITY,
        KnowledgeError: HTTPStatus.UNPROCESSABLE_ENTITY,
        SearchError: HTTPStatus.SERVICE_UNAVAILABLE,
        WanggeError: HTTPStatus.INTERNAL_SERVER_ERROR,
    }
)


def status_of(error: WanggeError) -> HTTPStatus:
    """Return the status of an error: that of its class, or of the nearest class above it."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def problem(error: WanggeError, language: str) -> dict[str, Any]:
    """Return the body of an answer in error, in a language."""
    status = status_of(error)
    statement = error.statement
    detail = statement.text(language)
    return {
        "type": f"urn:wangge:problem:{statement.key}",
        "title": text(f"api.status.{status.value}", language=language),
        "status": status.value,
        "detail": detail,
        "code": statement.key,
        "description": detail,
        **{part: statement.part(part, language) for part in ("expected", "found", "where", "remedy")},
    }
