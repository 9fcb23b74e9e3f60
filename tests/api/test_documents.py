"""The two OpenAPI documents: every operation asked with seeded values, right and wrong ones."""

from __future__ import annotations

from collections import Counter

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

_CHECKS = [
    schemathesis.checks.not_a_server_error,
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
]
_DOCUMENTS = ("/ogc/api", "/api/openapi.json")
# What a generator cannot guess: ids that are there, and numbers in the neighbourhood of the town.
_KNOWN = {
    "category": ["kindergarten", "health_station"],
    "town": ["town"],
    "plan": ["plan"],
    "a": ["plan"],
    "b": ["plan"],
    "q": ["社区", "A", "001"],
    "bbox": [[117.0, 27.11, 117.01, 27.12]],
    "datetime": ["2020-01-01", "../2020-01-01"],
}

_FEATURES = [("town.buildings", "b00"), ("town.facilities", "f1"), ("town.barriers", "1")]


def operations(served, path):
    document = served.client.get(path).json()
    schema = schemathesis.openapi.from_dict(document)
    return [one.ok() for one in schema.get_all_operations()]


def ask(operation, root, examples, number):
    """Send seeded requests, right ones and wrong ones; return how many of each status came back."""
    statuses = Counter()
    quick = settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        # An address with few parameters has few different requests; they are sent again.
        wanted = statuses.total() + examples
        while statuses.total() < wanted:
            send = requester(statuses, root, right=mode is GenerationMode.POSITIVE)
            generated = given(operation.as_strategy(generation_mode=mode))(send)
            seed(number + statuses.total())(quick(generated))()
    return statuses


def requester(statuses, root, *, right):
    def request(case):
        if right:
            put_known(case, statuses.total())
        response = case.call(base_url=root, headers={"Accept": "application/json"})
        statuses[response.status_code // 100] += 1
        case.validate_response(response, checks=_CHECKS)

    return request


def put_known(case, turn):
    """Put values that are there into five of six cases; the sixth stays as it was made."""
    if turn % 6 == 5:
        return
    for parameters in (case.path_parameters, case.query):
        for name in list(parameters or {}):
            if name in _KNOWN:
                parameters[name] = _KNOWN[name][turn % len(_KNOWN[name])]
    if "featureId" in (case.path_parameters or {}):
        collection, feature = _FEATURES[turn % len(_FEATURES)]
        case.path_parameters |= {"collectionId": collection, "featureId": feature}
    if case.query:
        case.query.pop("properties", None)


def campaign(served, examples, number):
    for path in _DOCUMENTS:
        asked = operations(served, path)
        root = served.root + ("/ogc" if path.startswith("/ogc") else "")
        assert len(asked) >= 8
        for operation in asked:
            statuses = ask(operation, root, examples, number)
            total = sum(statuses.values())
            print(path, operation.path, dict(statuses))
            assert statuses[5] == 0
            assert statuses[2] >= 0.2 * total, (operation.path, statuses)


def test_documents_hold(served):
    campaign(served, examples=4, number=3)


@pytest.mark.soak
def test_documents_hold_for_many_requests(served):
    campaign(served, examples=60, number=4)
