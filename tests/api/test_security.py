"""The door: loopback, own Host and Origin, no proxy."""

from __future__ import annotations

import pytest

from api.errors import STATUS, NotFoundError, problem, status_of
from api.serving import listen, serve
from spatial.errors import RulesError, UsageError, WanggeError


@pytest.mark.parametrize(
    "header",
    [
        {"x-forwarded-for": "10.0.0.1"}, {"x-forwarded-host": "plan.gov.cn"}, {"forwarded": "for=10.0.0.1"}, {"x-real-ip": "1.2.3.4"},
        {"via": "1.1 proxy"}, {"host": "plan.gov.cn"}, {"host": "127.0.0.1.evil.com"}, {"host": "127.0.0.1"}, {"origin": "http://evil.com"},
        {"origin": "null"}, {"origin": "https://127.0.0.1"}, {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("path", ["/ogc/", "/api/town", "/tiles/buildings/0/1/1/1.mvt", "/nowhere"])
def test_strangers_are_refused(served, path, header):
    answer = served.client.get(path, headers=header)
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"expected", "found", "where", "remedy"} <= answer.json().keys()


def test_the_own_page_is_served(served):
    for host in ("127.0.0.1", "localhost"):
        headers = {"host": f"{host}:{served.port}", "origin": f"http://{host}:{served.port}"}
        answer = served.client.get("/ogc/", headers=headers)
        assert answer.status_code == 200
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_can_be_written(served, method):
    for path in ("/ogc/collections", "/api/town"):
        answer = served.client.request(method, path)
        assert answer.status_code == 405
        assert answer.json()["status"] == 405


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "plan.gov.cn"])  # noqa: S104 - must be refused
def test_only_loopback_is_listened_on(host, tmp_path):
    with pytest.raises(UsageError):
        serve([], f"sqlite:///{tmp_path / 'x.sqlite'}", 0, host=host)
    assert not (tmp_path / "x.sqlite").exists()


def test_a_taken_port_is_named():
    with listen("127.0.0.1", 0) as taken, pytest.raises(UsageError, match=str(taken.getsockname()[1])):
        listen("127.0.0.1", taken.getsockname()[1]).close()


def test_every_error_has_a_status_and_four_parts():
    assert status_of(RulesError("api.bbox", bbox="")) == STATUS[UsageError]
    body = problem(NotFoundError("api.no_collection", collection="甲"), "en")
    assert (body["status"], body["code"]) == (404, "api.no_collection")
    assert "甲" in body["detail"]
    assert all(issubclass(kind, WanggeError) for kind in STATUS)
