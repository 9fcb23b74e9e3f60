"""The assertions of the OGC test suites for Features Part 1 and Part 2, one test to each.

Restated from the abstract test suites of OGC 17-069 (annex A, core: 55) and OGC 18-058 (annex A, coordinate
reference systems: 25), as the executable suites split them: an abstract test that is repeated for a query
parameter (none, bbox, limit, datetime) is a row for each.  Every row looks at every collection.
"""

from __future__ import annotations

import datetime as dt
from functools import cached_property, lru_cache
from typing import NamedTuple
from urllib.parse import quote

import httpx
import pyproj
import pytest
import shapely
import shapely.geometry

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
GEOJSON = "application/geo+json"
QUERIES = {
    "features": {},
    "bbox": None,
    "limit": {"limit": "3"},
    "datetime": {"datetime": "2020-01-01/2021-01-01"},
}


class Answered(NamedTuple):
    """An answer to a query of a collection's items, and the time it took."""

    collection: dict
    query: dict
    answer: httpx.Response
    before: dt.datetime
    after: dt.datetime


class Suite:
    """What the assertions look at: every document once."""

    def __init__(self, client):
        self.client = client

    def get(self, path, accept="application/json", **parameters):
        return self.client.get(path, params=parameters or None, headers={"accept": accept})

    def document(self, path, accept="application/json", **parameters):
        answer = self.get(path, accept, **parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    @cached_property
    def landing(self):
        return self.document("/ogc/")

    @cached_property
    def definition(self):
        return self.document(link(self.landing, "service-desc")["href"])

    @cached_property
    def conformance(self):
        return self.document("/ogc/conformance")

    @cached_property
    def listing(self):
        return self.document("/ogc/collections")

    @cached_property
    def collections(self):
        return [self.document(f"/ogc/collections/{one['id']}") for one in self.listing["collections"]]

    @cached_property
    def answers(self):
        """Answers of items by kind of query: pairs of collection and query, and the answer."""
        found = {}
        for kind, fixed in QUERIES.items():
            for collection in self.collections:
                for query in [fixed] if fixed is not None else boxes(collection):
                    before = dt.datetime.now(dt.UTC).replace(microsecond=0)
                    answer = self.get(f"/ogc/collections/{collection['id']}/items", GEOJSON, **query)
                    found.setdefault(kind, []).append(
                        Answered(collection, query, answer, before, dt.datetime.now(dt.UTC))
                    )
        return found

    @cached_property
    def features(self):
        """A feature of every collection: collection, listed feature, answer."""
        return [
            (
                collection,
                listed := answer.json()["features"][0],
                self.get(f"{items(collection)}/{quote(listed['id'])}"),
            )
            for collection, _, answer, *_ in self.answers["features"]
        ]

    def parameter(self, name):
        path = self.definition["paths"]["/collections/{collectionId}/items"]
        return next(one for one in path["get"]["parameters"] if one["name"] == name)


def link(document, rel):
    return next(one for one in document["links"] if one["rel"] == rel)


def items(collection):
    return f"/ogc/collections/{collection['id']}/items"


def boxes(collection):
    west, south, east, north = collection["extent"]["spatial"]["bbox"][0]
    middle = ((west + east) / 2, (south + north) / 2)
    named = [(west, south, east, north), (west, south, *middle)]
    named += [
        (-1.5, 50, 1.5, 53),
        (-80, -5, -70, 5),
        (177, 65, -177, 70),
        (-180, 85, 180, 90),
        (-180, -90, 180, -85),
    ]
    return [{"bbox": ",".join(map(str, one))} for one in named]


def uris(collection):
    """The systems that are asked for: degrees in both orders, metres in both, the town's own, one far away."""
    codes = (4326, 4490, 3857, 4526, 4513)
    named = {
        CRS84,
        collection["storageCrs"],
        *(f"http://www.opengis.net/def/crs/EPSG/0/{code}" for code in codes),
    }
    return [one for one in collection["crs"] if one in named]


@lru_cache
def northing_first(uri):
    return (
        uri != CRS84
        and pyproj.CRS(uri.replace("http://www.opengis.net/def/crs/EPSG/0/", "EPSG:")).axis_info[0].direction
        == "north"
    )


@lru_cache
def transformer(uri):
    target = "OGC:CRS84" if uri == CRS84 else uri.replace("http://www.opengis.net/def/crs/EPSG/0/", "EPSG:")
    return pyproj.Transformer.from_crs("OGC:CRS84", target, always_xy=True)


def transformed(uri, x, y):
    return transformer(uri).transform(x, y)


# ---- Part 1 -----------------------------------------------------------------------------------------------
def http(suite):
    assert suite.get("/ogc/").http_version == "HTTP/1.1"
    assert suite.client.post("/ogc/collections").status_code == 405
    assert suite.client.head("/ogc/").status_code == 200


def landing_op(suite):
    assert suite.get("/ogc/").status_code == 200


def landing_success(suite):
    for rel in ("service-desc", "service-doc", "conformance", "data", "self", "alternate"):
        assert link(suite.landing, rel)["type"]


def landing_html(suite):
    answer = suite.get("/ogc/", "text/html")
    assert answer.headers["content-type"].startswith("text/html")
    assert "</html>" in answer.text


def api_definition_op(suite):
    for rel in ("service-desc", "service-doc"):
        assert suite.get(link(suite.landing, rel)["href"], "*/*").status_code == 200


def api_definition_success(suite):
    assert suite.definition["openapi"].startswith("3.0")
    assert "http" not in str(
        [one for one in str(suite.definition).split("'") if one.startswith("#") or one.endswith("$ref")]
    )
    served = {f"/ogc{path}" for path in suite.definition["paths"]}
    assert {
        "/ogc/",
        "/ogc/conformance",
        "/ogc/collections",
        "/ogc/collections/{collectionId}/items",
    } <= served


def conformance_op(suite):
    assert suite.get("/ogc/conformance").status_code == 200


def conformance_success(suite):
    classes = suite.conformance["conformsTo"]
    assert "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core" in classes
    assert "http://www.opengis.net/spec/ogcapi-features-2/1.0/conf/crs" in classes


def collections_op(suite):
    assert suite.get("/ogc/collections").status_code == 200


def collections_links(suite):
    assert link(suite.listing, "self")["type"] == "application/json"
    assert link(suite.listing, "alternate")["type"] == "text/html"


def collections_items(suite):
    for collection in suite.listing["collections"]:
        assert {link(collection, "items")["type"]} == {GEOJSON}
    stored = suite.collections
    assert len(stored) == len({one["id"] for one in stored}) > 8


def collections_crs(suite):
    assert suite.listing["crs"][0] == CRS84


def collections_content(suite):
    for one in suite.listing["collections"]:
        assert {"id", "title", "links", "extent", "itemType"} <= one.keys()


def collection_op(suite):
    assert len(suite.collections) == len(suite.listing["collections"])


def collection_success(suite):
    for listed, own in zip(suite.listing["collections"], suite.collections, strict=True):
        for name in ("id", "title", "description", "extent", "itemType"):
            assert listed[name] == own[name]


def collection_extent(suite):
    for collection in suite.collections:
        west, south, east, north = collection["extent"]["spatial"]["bbox"][0]
        assert -180 <= west < east <= 180
        assert -90 <= south < north <= 90


def unknown_parameter(suite):
    for collection in suite.collections:
        assert suite.get(items(collection), unheard_of="1").status_code == 400


def invalid_parameter(suite):
    wrong = [
        {"limit": "0"},
        {"limit": "x"},
        {"bbox": "1,2,3"},
        {"bbox": "a,b,c,d"},
        {"datetime": "yesterday"},
        {"bbox": "1,9,2,3"},
    ]
    for collection in suite.collections:
        for query in wrong:
            assert suite.get(items(collection), **query).status_code == 400, query


def parameter_definition(name, kind):
    def check(suite):
        parameter = suite.parameter(name)
        assert (parameter["in"], parameter["required"], parameter["style"], parameter["explode"]) == (
            "query",
            False,
            "form",
            False,
        )
        schema = parameter["schema"]
        assert schema["type"] == kind
        if name == "bbox":
            assert (schema["minItems"], schema["maxItems"], schema["items"]["type"]) == (4, 6, "number")
        if name == "limit":
            assert schema["minimum"] >= 0
            assert schema["default"] >= 0

    return check


def each(kind, look):
    def check(suite):
        assert suite.answers[kind]
        for got in suite.answers[kind]:
            look(suite, got)

    return check


def fc_op(suite, got):
    assert got.answer.status_code == 200, got.answer.text
    assert got.answer.headers["content-type"] == GEOJSON


def fc_crs84(suite, got):
    for feature in got.answer.json()["features"]:
        west, south, east, north = shapely.geometry.shape(feature["geometry"]).bounds
        assert -180 <= west <= east <= 180
        assert -90 <= south <= north <= 90


def fc_type(suite, got):
    assert got.answer.json()["type"] == "FeatureCollection"


def fc_features(suite, got):
    for feature in got.answer.json()["features"]:
        assert feature["type"] == "Feature"
        assert {"id", "geometry", "properties"} <= feature.keys()


def fc_links(suite, got):
    document = got.answer.json()
    assert link(document, "self")["type"] == GEOJSON
    assert link(document, "alternate")["type"] == "text/html"
    assert all(one["rel"] and one["type"] for one in document["links"])


def fc_time_stamp(suite, got):
    assert got.before <= dt.datetime.fromisoformat(got.answer.json()["timeStamp"]) <= got.after


def fc_number_matched(suite, got):
    document = got.answer.json()
    found = list(document["features"])
    while nexts := [one for one in document["links"] if one["rel"] == "next"]:
        document = suite.document(nexts[0]["href"], GEOJSON)
        found += document["features"]
    assert len(found) == len({one["id"] for one in found}) == got.answer.json()["numberMatched"]


def fc_number_returned(suite, got):
    assert got.answer.json()["numberReturned"] == len(got.answer.json()["features"])


def bbox_response(suite, got):
    west, south, east, north = map(float, got.query["bbox"].split(","))
    spans = [(west, east)] if west <= east else [(west, 180), (-180, east)]
    wanted = shapely.union_all([shapely.box(low, south, high, north) for low, high in spans]).buffer(1e-7)
    everything = suite.document(items(got.collection), GEOJSON, limit="10000")["features"]
    meant = {one["id"] for one in everything if shapely.geometry.shape(one["geometry"]).intersects(wanted)}
    assert {one["id"] for one in got.answer.json()["features"]} == meant


def limit_response(suite, got):
    assert len(got.answer.json()["features"]) <= int(got.query["limit"])
    assert suite.get(items(got.collection), limit="1000000").status_code == 200


def datetime_response(suite, got):
    for feature in got.answer.json()["features"]:
        begins, ends = (feature["properties"].get(name) for name in ("valid_from", "valid_to"))
        assert begins is None or begins <= "2021-01-01"
        assert ends is None or ends >= "2020-01-01"


def feature_op(suite):
    for collection, listed, answer in suite.features:
        assert answer.status_code == 200, collection["id"]
        assert answer.json()["id"] == listed["id"]
    assert suite.get(f"{items(suite.collections[0])}/no-such-feature").status_code == 404


def feature_success(suite):
    for _, listed, answer in suite.features:
        document = answer.json()
        for rel in ("self", "alternate", "collection"):
            assert link(document, rel)["type"]
        assert document["properties"] == listed["properties"]


RESPONSES = {
    "crs84": fc_crs84, "type": fc_type, "features": fc_features, "links": fc_links, "timeStamp": fc_time_stamp,
    "numberMatched": fc_number_matched, "numberReturned": fc_number_returned,
}  # fmt: skip
PART_1 = {
    "core/http": http,
    "core/root-op": landing_op,
    "core/root-success": landing_success,
    "html/definition": landing_html,
    "core/api-definition-op": api_definition_op,
    "core/api-definition-success": api_definition_success,
    "core/conformance-op": conformance_op,
    "core/conformance-success": conformance_success,
    "core/fc-md-op": collections_op,
    "core/fc-md-links": collections_links,
    "core/fc-md-items": collections_items,
    "core/fc-md-success/crs": collections_crs,
    "core/fc-md-success/content": collections_content,
    "core/sfc-md-op": collection_op,
    "core/sfc-md-success": collection_success,
    "core/sfc-md-success/extent": collection_extent,
    "core/query-param-unknown": unknown_parameter,
    "core/query-param-invalid": invalid_parameter,
    "core/fc-bbox-definition": parameter_definition("bbox", "array"),
    "core/fc-limit-definition": parameter_definition("limit", "integer"),
    "core/fc-time-definition": parameter_definition("datetime", "string"),
    "core/fc-op": each("features", fc_op),
    **{f"core/fc-response/{name}": each("features", look) for name, look in RESPONSES.items()},
    "core/fc-bbox-op": each("bbox", fc_op),
    "core/fc-bbox-response": each("bbox", bbox_response),
    **{f"core/fc-bbox-response/{name}": each("bbox", look) for name, look in RESPONSES.items() if name != "type"},
    "core/fc-limit-op": each("limit", fc_op),
    "core/fc-limit-response": each("limit", limit_response),
    **{f"core/fc-limit-response/{name}": each("limit", look) for name, look in RESPONSES.items() if name != "type"},
    "core/fc-time-op": each("datetime", fc_op),
    "core/fc-time-response": each("datetime", datetime_response),
    **{f"core/fc-time-response/{name}": each("datetime", look) for name, look in RESPONSES.items() if name != "type"},
    "core/f-op": feature_op,
    "core/f-success": feature_success,
}  # fmt: skip


# ---- Part 2 -----------------------------------------------------------------------------------------------
def in_listing(check):
    """Look at every collection as the list of collections describes it, its ``#/crs`` resolved."""

    def run(suite):
        for one in suite.listing["collections"]:
            resolved = [
                uri for entry in one["crs"] for uri in (suite.listing["crs"] if entry == "#/crs" else [entry])
            ]
            check({**one, "crs": resolved})

    return run


def in_collection(check):
    return lambda suite: [check(one) for one in suite.collections]


def crs_uris(collection):
    assert all(one.startswith("http://www.opengis.net/def/crs/") for one in collection["crs"])
    for one in uris(collection):
        transformed(one, 117, 27)


def crs_default(collection):
    assert collection["crs"][0] == CRS84


def crs_unique(collection):
    assert len(set(collection["crs"])) == len(collection["crs"])


def crs_storage(collection):
    assert collection["storageCrs"] in collection["crs"]


def crs_global_list(suite):
    assert suite.listing["crs"][0] == CRS84
    assert {"#/crs"} == {one["crs"][0] for one in suite.listing["collections"]}


def query_definition(name):
    def check(suite):
        parameter = suite.parameter(name)
        assert parameter["schema"]["type"] == "string"
        assert parameter["schema"]["format"] == "uri"
        assert parameter["explode"] is False

    return check


def feature_definition(suite):
    path = suite.definition["paths"]["/collections/{collectionId}/items/{featureId}"]
    assert "crs" in {one["name"] for one in path["get"]["parameters"]}


def addresses(suite, single):
    for collection, listed, _ in suite.features:
        yield collection, (f"{items(collection)}/{quote(listed['id'])}" if single else items(collection))


def content_crs(single):
    def check(suite):
        for collection, path in addresses(suite, single):
            for uri in uris(collection):
                answer = suite.get(path, GEOJSON, crs=uri)
                assert answer.status_code == 200, answer.text
                assert answer.headers["content-crs"] == f"<{uri}>"

    return check


def content_crs_default(single):
    def check(suite):
        for _, path in addresses(suite, single):
            assert suite.get(path, GEOJSON).headers["content-crs"] == f"<{CRS84}>"

    return check


def crs_default_equal(single):
    def check(suite):
        for _, path in addresses(suite, single):
            plain, named = suite.document(path, GEOJSON), suite.document(path, GEOJSON, crs=CRS84)
            assert plain.get("geometry") == named.get("geometry")
            assert plain.get("features") == named.get("features")

    return check


def crs_invalid(single):
    def check(suite):
        for _, path in addresses(suite, single):
            for wrong in (CRS84 + "x", "http://www.opengis.net/def/crs/EPSG/0/2154", "EPSG:4326", ""):
                assert suite.get(path, GEOJSON, crs=wrong).status_code == 400

    return check


def first_shape(document):
    return shapely.geometry.shape(
        (document["features"][0] if "features" in document else document)["geometry"]
    )


def crs_transformed(single):
    """The answer in a system is that in CRS84, transformed, in the axis order of the authority."""

    def check(suite):
        for collection, path in addresses(suite, single):
            degrees = shapely.get_coordinates(first_shape(suite.document(path, GEOJSON)))
            for uri in uris(collection):
                got = shapely.get_coordinates(first_shape(suite.document(path, GEOJSON, crs=uri)))
                x, y = transformed(uri, degrees[:, 0], degrees[:, 1])
                meant = shapely.get_coordinates(
                    shapely.points(y, x) if northing_first(uri) else shapely.points(x, y)
                )
                tolerance = 1e-6 if abs(meant).max() <= 180 else 0.03
                assert abs(got - meant).max() < tolerance, (collection["id"], uri)

    return check


def crs_axis_order(suite):
    for collection in suite.collections[:3]:
        point = shapely.get_coordinates(
            first_shape(
                suite.document(items(collection), GEOJSON, crs="http://www.opengis.net/def/crs/EPSG/0/4526")
            )
        )[0]
        assert point[0] < 4e6
        assert point[1] > 3.8e7  # northing, then easting with the zone in front


def box_in(collection, uri):
    west, south, east, north = collection["extent"]["spatial"]["bbox"][0]
    x, y = transformed(uri, [west, east, west, east], [south, south, north, north])
    low, high = (min(x), min(y)), (max(x), max(y))
    order = (1, 0) if northing_first(uri) else (0, 1)
    return ",".join(str(corner[axis]) for corner in (low, high) for axis in order)


def bbox_crs_same(suite):
    for collection in suite.collections:
        everything = suite.document(items(collection), GEOJSON)
        for uri in uris(collection):
            found = suite.document(
                items(collection), GEOJSON, **{"bbox": box_in(collection, uri), "bbox-crs": uri}
            )
            assert {one["id"] for one in found["features"]} == {
                one["id"] for one in everything["features"]
            }, uri


def bbox_crs_default(suite):
    for collection in suite.collections:
        box = boxes(collection)[1]
        plain = suite.document(items(collection), GEOJSON, **box)
        named = suite.document(items(collection), GEOJSON, **box, **{"bbox-crs": CRS84})
        assert plain["features"] == named["features"]


def bbox_crs_invalid(suite):
    for collection in suite.collections:
        box = boxes(collection)[0]
        assert suite.get(items(collection), **box, **{"bbox-crs": CRS84 + "x"}).status_code == 400


def bbox_crs_elsewhere(suite):
    uri = "http://www.opengis.net/def/crs/EPSG/0/4526"
    for collection in suite.collections:
        found = suite.document(
            items(collection), GEOJSON, **{"bbox": "4500000,38500000,4500100,38500100", "bbox-crs": uri}
        )
        assert found["features"] == []


def bbox_and_crs(suite):
    uri = "http://www.opengis.net/def/crs/EPSG/0/4490"
    for collection in suite.collections:
        box = boxes(collection)[1]
        plain = suite.document(items(collection), GEOJSON, **box)
        named = suite.document(items(collection), GEOJSON, **box, crs=uri)
        assert [one["id"] for one in plain["features"]] == [one["id"] for one in named["features"]]


PART_2 = {
    "crs/crs-uri/collections": in_listing(crs_uris),
    "crs/crs-uri/collection": in_collection(crs_uris),
    "crs/fc-md-crs-list/default/collections": in_listing(crs_default),
    "crs/fc-md-crs-list/default/collection": in_collection(crs_default),
    "crs/fc-md-crs-list/unique": in_collection(crs_unique),
    "crs/fc-md-crs-list-global": crs_global_list,
    "crs/fc-md-storageCrs/collections": in_listing(crs_storage),
    "crs/fc-md-storageCrs/collection": in_collection(crs_storage),
    "crs/fc-crs-definition": query_definition("crs"),
    "crs/f-crs-definition": feature_definition,
    "crs/fc-bbox-crs-definition": query_definition("bbox-crs"),
    "crs/crs-parameter/features": crs_default_equal(single=False),
    "crs/crs-parameter/feature": crs_default_equal(single=True),
    "crs/crs-parameter/invalid/features": crs_invalid(single=False),
    "crs/crs-parameter/invalid/feature": crs_invalid(single=True),
    "crs/crs-parameter/transform/features": crs_transformed(single=False),
    "crs/crs-parameter/transform/feature": crs_transformed(single=True),
    "crs/crs-action/axis-order": crs_axis_order,
    "crs/content-crs/features": content_crs(single=False),
    "crs/content-crs/feature": content_crs(single=True),
    "crs/content-crs/default": content_crs_default(single=False),
    "crs/bbox-crs-parameter": bbox_crs_same,
    "crs/bbox-crs-parameter/default": bbox_crs_default,
    "crs/bbox-crs-parameter/invalid": bbox_crs_invalid,
    "crs/bbox-crs-action": lambda suite: (bbox_crs_elsewhere(suite), bbox_and_crs(suite)),
}  # fmt: skip
TABLE = {**PART_1, **PART_2}


@pytest.fixture(scope="module")
def suite(served):
    return Suite(served.client)


def test_the_table_has_no_blanks():
    assert (len(PART_1), len(PART_2)) == (55, 25)


@pytest.mark.parametrize("assertion", TABLE, ids=list(TABLE))
def test_assertion(suite, assertion):
    TABLE[assertion](suite)
