"""Without the internet the download says so; with a service (here on this machine) its answer imports."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import shapely

from spatial.errors import FileError
from spatial.io import import_town
from spatial.io.online import download_osm
from spatial.io.osm import OSM_LAYERS

OUTLINE = shapely.box(116.3, 40.0, 116.31, 40.01)
ANSWER = {
    "elements": [
        *(
            {
                "type": "node",
                "id": number,
                "lat": 40.001 + number / 10000 * (number > 2),
                "lon": 116.301 + number / 10000 * (number in {2, 3}),
            }
            for number in range(1, 5)
        ),
        {
            "type": "node",
            "id": 9,
            "lat": 40.002,
            "lon": 116.302,
            "tags": {"amenity": "pharmacy", "name": "大众药房"},
        },
        {
            "type": "way",
            "id": 7,
            "nodes": [1, 2, 3, 4, 1],
            "tags": {"building": "residential", "building:levels": "6"},
        },
        {"type": "way", "id": 8, "nodes": [1, 2, 3], "tags": {"highway": "footway"}},
    ]
}


class Overpass(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps(ANSWER).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def service():
    server = HTTPServer(("127.0.0.1", 0), Overpass)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/api"
    server.shutdown()
    thread.join()
    server.server_close()


def test_no_internet_is_said(tmp_path):
    with pytest.raises(FileError) as failure:
        download_osm(OUTLINE, tmp_path / "a.gpkg", endpoint="http://127.0.0.1:9/api")
    assert failure.value.statement.key == "io.no_internet"
    assert ".osm.pbf" in str(failure.value)
    assert list(tmp_path.iterdir()) == []


def test_an_answer_imports_like_an_extract(service, tmp_path):
    path = download_osm(OUTLINE, tmp_path / "place.gpkg", endpoint=service)
    import pyogrio

    assert {str(name) for name in pyogrio.list_layers(path)[:, 0]} == set(OSM_LAYERS)
    result = import_town([path])
    assert result.town.buildings.loc["w7", ["levels", "use"]].tolist() == [6, "residential"]
    assert result.town.streets.index.tolist() == ["w8"]
    assert result.town.services["category"].tolist() == ["pharmacy"]
