"""What the map page asks, under ``/api``: answers of `maps.view`, the style, the legend and the texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request

from api.answers import PROBLEM, language_of, refuse_unknown
from api.errors import NotFoundError
from api.routes.tiles import template
from api.views import Seen, Views
from maps.layers import LAYERS, legend
from maps.style import SHAPES_OF, build_style
from maps.view import texts

__all__ = ["router"]

Language = Annotated[Literal["zh-CN", "en"] | None, Query(description="zh-CN or en; else as Accept-Language")]
Town = Annotated[
    str | None, Query(description="key of a town; else the one that came last", examples=["town"])
]
Category = Annotated[str, Query(description="id of a service category", examples=["kindergarten"])]
Limit = Annotated[
    Literal["300", "500", "1000"] | None,
    Query(description="walking band in metres; else the category's own limit"),
]
Longitude = Annotated[float, Query(ge=-180, le=180, allow_inf_nan=False, examples=[117.002])]
Latitude = Annotated[float, Query(ge=-90, le=90, allow_inf_nan=False, examples=[27.114])]
Plan = Annotated[str | None, Query(description="id of a plan; else the newest", examples=["plan"])]


def _known_only(request: Request) -> None:
    """Refuse parameters that an address does not have."""
    refuse_unknown(request, {parameter.alias for parameter in request.scope["route"].dependant.query_params})


def _problem(meaning: str) -> dict[str, Any]:
    return {"description": meaning, "content": {PROBLEM: {"schema": {"type": "object"}}}}


router = APIRouter(
    dependencies=[Depends(_known_only)],
    responses={
        400: _problem("wrong parameter"),
        403: _problem("refused"),
        404: _problem("not here"),
        422: _problem("not used; a wrong parameter is 400"),
        500: _problem("internal failure"),
    },
)


def _seen(request: Request, town: str | None) -> Seen:
    views: Views = request.app.state.views
    return views.of(town)


def _address(request: Request, seen: Seen) -> Callable[[str, str | None], str]:
    return lambda layer, plan_id: template(request, layer, seen.token(plan_id))


def _metres(limit: str | None) -> float | None:
    return None if limit is None else float(limit)


def _answer(seen: Seen, ask: Callable[[], dict[str, Any]], what: str) -> dict[str, Any]:
    """Return an answer with the revision it is made of; what the view does not know is not here."""
    try:
        return {"revision": seen.token(), **ask()}
    except KeyError as error:
        raise NotFoundError("api.not_in_view", what=what) from error


@router.get("/town")
def town(request: Request, language: Language = None, town: Town = None) -> dict[str, Any]:
    """Return the town, its communities, layers, plans by name, and its categories."""
    seen = _seen(request, town)
    tongue = language or language_of(request)
    return {
        "key": seen.town.package.key,
        "number": seen.town.number,
        **_answer(seen, lambda: seen.view.town(tongue, _address(request, seen)), "town"),
    }


@router.get("/plan")
def plan(request: Request, plan: Plan = None, language: Language = None, town: Town = None) -> dict[str, Any]:
    """Return a plan: rules, totals, certificates and grids."""
    seen = _seen(request, town)
    chosen = plan or next(iter(seen.view.plans), "")
    return _answer(seen, lambda: seen.view.plan(chosen, language or language_of(request)), chosen)


@router.get("/style.json")
def style(request: Request, town: Town = None) -> dict[str, Any]:
    """Return the MapLibre style of the town with its newest plan."""
    seen = _seen(request, town)
    address = _address(request, seen)
    newest = next(iter(seen.view.plans), None)
    tiles = {
        name: address(name, newest if layer.package == "plan" else None)
        for name, layer in LAYERS.items()
        if name not in SHAPES_OF and (layer.package != "plan" or newest is not None)
    }
    rules = seen.view.plans[newest].rules if newest is not None else {}
    window = (int(float(rules.get("lower", 300))), int(float(rules.get("upper", 500))))
    return build_style(tiles, window)


@router.get("/legend")
def legend_entries(request: Request, language: Language = None) -> list[dict[str, Any]]:
    """Return every entry of the legend, in drawing order."""
    return legend(language or language_of(request))


@router.get("/texts")
def page_texts(request: Request, language: Language = None) -> dict[str, str]:
    """Return the texts of the map page by key."""
    return texts(language or language_of(request))


@router.get("/rates")
def rates(request: Request, category: Category, limit: Limit = None, town: Town = None) -> dict[str, Any]:
    """Return a category's rates at a limit: the town's with its bands, communities' and grids'."""
    seen = _seen(request, town)
    return _answer(seen, lambda: seen.view.rates(category, _metres(limit)), category)


@router.get("/walks")
def walks(request: Request, category: Category, limit: Limit = None, town: Town = None) -> dict[str, Any]:
    """Return the band of every building by number, and the households of each band."""
    seen = _seen(request, town)
    return _answer(seen, lambda: seen.view.walks(category, _metres(limit)), category)


@router.get("/gaps")
def gaps(request: Request, category: Category, town: Town = None) -> dict[str, Any]:
    """Return a category's gaps as GeoJSON, those of most households first."""
    seen = _seen(request, town)
    return _answer(seen, lambda: seen.view.gaps(category), category)


@router.get("/at")
def at(
    request: Request,
    *,
    lon: Longitude,
    lat: Latitude,
    plan: Plan = None,
    language: Language = None,
    town: Town = None,
) -> dict[str, Any]:
    """Return what lies at a place: building, estate, community, grid of a plan, and the walks from it."""
    seen = _seen(request, town)
    tongue = language or language_of(request)
    return _answer(seen, lambda: seen.view.at(lon, lat, tongue, plan), plan or f"{lon}, {lat}")


@router.get("/reach")
def reach(
    request: Request, lon: Longitude, lat: Latitude, language: Language = None, town: Town = None
) -> dict[str, Any]:
    """Return what is reached on foot from a place: an area to each band, the way to each category."""
    seen = _seen(request, town)
    tongue = language or language_of(request)
    return _answer(seen, lambda: seen.view.reach(lon, lat, tongue), f"{lon}, {lat}")


@router.get("/places")
def places(
    request: Request,
    q: Annotated[str, Query(max_length=100, description="words of a name or code", examples=["001"])],
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    town: Town = None,
) -> dict[str, Any]:
    """Return places whose name, detail or code holds every word; names that begin so first."""
    seen = _seen(request, town)
    return _answer(seen, lambda: seen.view.places(q, limit), q)


@router.get("/compare", responses={409: _problem("plans of different towns")})
def compare(
    request: Request,
    a: Annotated[str, Query(description="id of a plan", examples=["plan"])],
    b: Annotated[str, Query(description="id of another plan", examples=["plan"])],
    town: Town = None,
) -> dict[str, Any]:
    """Return what two plans differ in: scores in rule order, moved buildings, flows, changed ground."""
    seen = _seen(request, town)
    return _answer(seen, lambda: seen.view.compare(a, b), f"{a}, {b}")
