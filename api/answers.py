"""Answers: the language and format a reader wants, links, and the two forms of every resource.

Every resource of the OGC interface is a JSON document and an HTML page made from one description, so
that neither can say what the other does not.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jinja2
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from spatial.errors import UsageError
from spatial.messages import LANGUAGES, text

__all__ = [
    "GEOJSON",
    "PROBLEM",
    "Link",
    "Sheet",
    "answer",
    "json_answer",
    "language_of",
    "refuse_unknown",
    "wants_html",
]

GEOJSON = "application/geo+json"
PROBLEM = "application/problem+json"


@dataclass(frozen=True)
class Link:
    """A link of a document."""

    href: str
    rel: str
    type: str
    title: str = ""

    def as_record(self) -> dict[str, str]:
        """Return the link as JSON has it."""
        record = {"href": self.href, "rel": self.rel, "type": self.type}
        return record | ({"title": self.title} if self.title else {})


@dataclass(frozen=True)
class Sheet:
    """The HTML form of a document: facts, a table, and links.

    Attributes
    ----------
    title, lead : heading and first sentence
    crumbs : the way here from the first page: pairs of name and address
    facts : pairs of name and value
    head, rows : a table; a value that is a pair is a text and the address it links to
    links : pairs of text and address, below the table
    """

    title: str
    lead: str = ""
    crumbs: Sequence[tuple[str, str]] = ()
    facts: Sequence[tuple[str, object]] = ()
    head: Sequence[str] = ()
    rows: Sequence[Sequence[object]] = ()
    links: Sequence[tuple[str, str]] = ()


def language_of(request: Request) -> str:
    """Return the language a reader prefers among those there are; Chinese where none is named."""
    ranked = []
    for position, entry in enumerate(request.headers.get("accept-language", "").split(",")):
        name, _, weight = entry.strip().partition(";q=")
        known = next(
            (one for one in LANGUAGES if one.lower().startswith(name.strip().lower()[:2] or "?")), None
        )
        if known:
            ranked.append((-_number(weight, 1.0), position, known))
    return min(ranked)[2] if ranked else LANGUAGES[0]


def wants_html(request: Request) -> bool:
    """Tell whether a reader wants a page: by ``f``, else by the order of the accepted media types.

    Raises
    ------
    UsageError
        If ``f`` names no format.
    """
    named = request.query_params.get("f")
    if named is not None:
        if named not in {"json", "html"}:
            raise UsageError("api.format", format=named)
        return named == "html"
    accepted = request.headers.get("accept", "")
    page = accepted.find("text/html")
    data = min(
        (place for place in (accepted.find("json"), accepted.find("*/*")) if place >= 0), default=page + 1
    )
    return 0 <= page < data


def refuse_unknown(request: Request, known: Collection[str]) -> None:
    """Refuse query parameters that a resource does not have, and ones that are given twice.

    Raises
    ------
    UsageError
        Naming the first such parameter.
    """
    names = [name for name, _ in request.query_params.multi_items()]
    for name in names:
        if name not in known:
            raise UsageError("api.parameter_unknown", parameter=name)
        if names.count(name) > 1:
            raise UsageError("api.parameter_twice", parameter=name)


def address(request: Request, **changes: object) -> str:
    """Return the address of this document with other query parameters; None takes one away."""
    parameters = {**request.query_params, **changes}
    query = urlencode({name: value for name, value in parameters.items() if value is not None}, safe=":/,")
    return f"{request.url.replace(query='')}{'?' if query else ''}{query}"


def answer(
    request: Request,
    document: Mapping[str, Any],
    sheet: Sheet,
    *,
    links: Sequence[Link] = (),
    media_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a document as JSON with its links, or as the page of a sheet."""
    if wants_html(request):
        return page_answer(request, sheet)
    every = [*self_links(request, media_type), *links]
    body = {**document, "links": [link.as_record() for link in every]}
    return json_answer(request, body, media_type=media_type, headers=headers)


def self_links(request: Request, media_type: str) -> list[Link]:
    """Return the links of a document to itself and to its HTML form."""
    language = language_of(request)
    return [
        Link(address(request, f="json"), "self", media_type, text("api.link.self", language=language)),
        Link(address(request, f="html"), "alternate", "text/html", text("api.link.html", language=language)),
    ]


def json_answer(
    request: Request,
    body: Mapping[str, Any],
    *,
    media_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a body as JSON."""
    marks = {"Content-Language": language_of(request), "Vary": "Accept, Accept-Language", **(headers or {})}
    return JSONResponse(body, media_type=media_type, headers=marks)


def page_answer(request: Request, sheet: Sheet) -> Response:
    """Return a sheet as an HTML page."""
    language = language_of(request)
    other = address(request, f="json")
    html = _template().render(sheet=sheet, language=language, other=other, text=text)
    marks = {"Content-Language": language, "Vary": "Accept, Accept-Language"}
    return Response(html, media_type="text/html", headers=marks)


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "pages"), autoescape=True, trim_blocks=True
    )
    environment.filters["shown"] = _shown
    return environment.get_template("sheet.html")


def _shown(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.6g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _number(written: str, otherwise: float) -> float:
    try:
        return float(written)
    except ValueError:
        return otherwise
