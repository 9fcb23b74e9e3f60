"""Serving measured: tiles and features of the demo county, and the loading of a prefecture.

::

    python benchmarks/serving.py [--database sqlite|postgis] [--seconds 5] [--memory-seconds 300]

One worker of the service runs in a process of its own on loopback; the client holds eight connections.
On PostGIS, TiPg answers from the same tables beside it, and the two are asked in turn.  A prefecture is 60,000 buildings, 1,552 grids and 3.84 million walks, by repetition of one block.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from itertools import cycle
from pathlib import Path

import geopandas as gpd
import httpx
import numpy as np
import pandas as pd
import shapely

sys.path.insert(0, str(Path(__file__).parents[1]))

from api.app import create_app
from api.serving import listen
from api.settings import Settings
from api.store import Store
from api.tiles import TileLayer, TileSource, tile_of
from api.views import Views
from spatial.io import read_town
from spatial.lifecircle.coverage import Coverage
from spatial.schema import COVERAGE_TABLES
from spatial.town import DTYPES, Town, empty_table
from tests.postgis import postgis_server

COUNTY = Path(__file__).parents[1] / "data" / "boundaries" / "demo-county.gpkg"
CONNECTIONS = 8
ZOOM = 14


def _serve(settings: Settings, ready: object) -> None:
    import uvicorn

    with listen("127.0.0.1", settings.port) as listener:
        config = uvicorn.Config(create_app(settings), log_level="error", proxy_headers=False)
        ready.set()  # type: ignore[attr-defined]
        uvicorn.Server(config).run(sockets=[listener])


@contextmanager
def service(url: str, folder: Path) -> Iterator[tuple[int, int]]:
    with listen("127.0.0.1", 0) as probe:
        port = probe.getsockname()[1]
    ready = multiprocessing.Event()
    process = multiprocessing.Process(target=_serve, args=(Settings(url, folder / "tiles", port), ready))
    process.start()
    ready.wait()
    try:
        yield port, process.pid or 0
    finally:
        process.terminate()
        process.join()


@contextmanager
def tipg(url: str) -> Iterator[int]:
    """Run TiPg on a database; its tiles and features come from our tables, made by PostGIS."""
    with listen("127.0.0.1", 0) as probe:
        port = probe.getsockname()[1]
    words = [sys.executable, "-m", "uvicorn", "tipg.main:app", "--port", str(port), "--log-level", "error"]
    process = subprocess.Popen(words, env=os.environ | {"DATABASE_URL": url})
    try:
        for _ in range(300):
            try:
                if httpx.get(f"http://127.0.0.1:{port}/healthz").is_success:
                    break
            except httpx.TransportError:
                time.sleep(0.1)
        else:
            raise RuntimeError("TiPg did not start")
        yield port
    finally:
        process.terminate()
        process.wait()


async def _connection(port: int, paths: Iterator[str], until: float, counts: list[int]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.perf_counter() < until and (path := next(paths, None)) is not None:
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept-Encoding: gzip\r\n\r\n".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head[9:12])
        if status not in {200, 204}:
            raise RuntimeError(head)
        length = next(
            (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        await reader.readexactly(length)
        counts[0] += 1
    writer.close()


def per_second(port: int, paths: Iterator[str], seconds: float) -> float:
    counts = [0]

    async def load() -> None:
        until = time.perf_counter() + seconds
        await asyncio.gather(*(_connection(port, paths, until, counts) for _ in range(CONNECTIONS)))

    begun = time.perf_counter()
    asyncio.run(load())
    return counts[0] / (time.perf_counter() - begun)


def resident_mb(process: int) -> float:
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def measure_county(url: str, folder: Path, seconds: float, memory_seconds: float) -> None:
    town = read_town(COUNTY)
    store = Store.open(url)
    store.add("town", town)
    token = Views(store).of().token()
    store.close()
    spots = town.buildings.geometry.representative_point().to_crs(4326)
    # Every tile that holds a building at z14.
    tiles = sorted({tile_of(spot.x, spot.y, ZOOM) for spot in spots})
    layers = ("buildings", "communities", "estates", "streets", "facilities")

    def paths(names: Sequence[str]) -> list[str]:
        return [f"/tiles/{layer}/{token}/{ZOOM}/{x}/{y}.mvt" for x, y in tiles for layer in names]

    with service(url, folder) as (port, process):
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120) as client:
            for layer in layers:  # sources are made once a revision; their making is not the tile's
                begun = time.perf_counter()
                client.get(f"/tiles/{layer}/{token}/{ZOOM}/0/0.mvt")
                print(f"first tile of {layer:12} {time.perf_counter() - begun:8.2f} s")
        rates = []
        for _ in range(7):
            shutil.rmtree(folder / "tiles", ignore_errors=True)
            rates.append(per_second(port, iter(paths(layers)), 600))
        print(
            f"z{ZOOM} uncached          {statistics.median(rates):8.0f} tiles/s, median of 7 x {len(paths(layers))}"
        )
        print(f"z{ZOOM} cached            {per_second(port, cycle(paths(layers)), seconds):8.0f} tiles/s")
        pages = [f"/ogc/collections/town.buildings/items?limit=1000&offset={100 * n}" for n in range(30)]
        print(f"page of 1,000         {_median_ms(port, pages):8.0f} ms, median of {len(pages)}")
        if url.startswith("postgresql"):
            _beside_tipg(url, folder / "tiles", port, tiles=tiles, own=paths(("buildings",)), pages=pages)
        asked = cycle([*paths(layers), pages[0]])
        per_second(port, asked, seconds)  # what is kept on first use is no growth
        print("memory                " + ", ".join(_memory_mb(port, process, asked, memory_seconds)))


def _memory_mb(port: int, process: int, asked: Iterator[str], seconds: float) -> Iterator[str]:
    """Yield the worker's resident memory at the start and after each fifth of a load."""
    yield f"{resident_mb(process):.0f} MB"
    for part in range(1, 6):
        per_second(port, asked, seconds / 5)
        yield f"{resident_mb(process):.0f} MB after {part * seconds / 5:.0f} s"


def _beside_tipg(
    url: str, fresh: Path, port: int, *, tiles: Sequence[tuple[int, int]], own: list[str], pages: list[str]
) -> None:
    """Print tiles of buildings made anew and pages of 1,000 of them, ours and TiPg's in turn."""
    table = "/collections/public.town_buildings"
    theirs = [f"{table}/tiles/WebMercatorQuad/{ZOOM}/{x}/{y}" for x, y in tiles]
    their_pages = [f"{table}/items?limit=1000&offset={100 * n}" for n in range(len(pages))]
    spent: dict[str, list[tuple[float, float]]] = {"ours": [], "tipg": []}
    with tipg(url) as peer:
        for _ in range(7):
            shutil.rmtree(fresh, ignore_errors=True)
            for name, at, asked, read in (("ours", port, own, pages), ("tipg", peer, theirs, their_pages)):
                spent[name].append((per_second(at, iter(asked), 600), _median_ms(at, read)))
    middle = {
        name: [statistics.median(part) for part in zip(*each, strict=True)] for name, each in spent.items()
    }
    for name, (rate, page) in middle.items():
        print(f"{name}: {rate:.0f} tiles/s of buildings at z{ZOOM} uncached, page of 1,000 in {page:.0f} ms")
    print(
        f"tipg/ours: {middle['ours'][0] / middle['tipg'][0]:.1f} times our time for a tile, "
        f"{middle['tipg'][1] / middle['ours'][1]:.1f} times for a page"
    )


def _median_ms(port: int, paths: Sequence[str]) -> float:
    times = []
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120) as client:
        for path in paths:
            begun = time.perf_counter()
            client.get(path).raise_for_status()
            times.append(time.perf_counter() - begun)
    return 1000 * statistics.median(times)


def measure_encoders() -> None:
    """Time the tiles of the county's buildings in our encoder and in mapbox-vector-tile, in turn."""
    import mapbox_vector_tile

    town = read_town(COUNTY)
    frame = town.buildings[["households", "use", "geometry"]].reset_index().to_crs(3857)
    source = TileSource([TileLayer("buildings", frame)], (0, 16))
    shapes = frame.geometry.to_numpy()
    tree = shapely.STRtree(shapes)
    properties = frame.drop(columns="geometry").astype(object).to_dict("records")
    spots = frame.geometry.representative_point().to_crs(4326)
    tiles = sorted({tile_of(spot.x, spot.y, ZOOM) for spot in spots})
    world = 2 * np.pi * 6_378_137.0

    def library(column: int, row: int) -> bytes:
        metres = world / 2**ZOOM
        west, north = column * metres - world / 2, world / 2 - row * metres
        box = (west, north - metres, west + metres, north)
        near = tree.query(shapely.box(*box))
        features = [
            {"geometry": one, "properties": properties[number], "id": int(number)}
            for one, number in zip(shapely.clip_by_rect(shapes[near], *box), near, strict=True)
            if not one.is_empty
        ]
        layer = {"name": "buildings", "features": features}
        return mapbox_vector_tile.encode([layer], default_options={"quantize_bounds": box})

    source.tile(ZOOM, *tiles[0])
    spent: dict[str, list[float]] = {"ours": [], "mapbox-vector-tile": []}
    for _ in range(5):
        for name, encode in (("ours", partial(source.tile, ZOOM)), ("mapbox-vector-tile", library)):
            begun = time.process_time()
            for column, row in tiles:
                encode(column, row)
            spent[name].append(1000 * (time.process_time() - begun) / len(tiles))
    for name, each in spent.items():
        print(
            f"encoder {name:20} {statistics.median(each):6.1f} ms of CPU a tile, {len(tiles)} tiles of z{ZOOM}"
        )


def prefecture() -> tuple[Town, Coverage]:
    rng = np.random.default_rng(1)
    count, categories = 60_000, 64
    number = np.arange(count)
    across = int(np.sqrt(count)) + 1
    west, south = 500_000 + number % across * 40.0, 3e6 + number // across * 30.0
    ids = np.char.add("B", np.char.zfill(number.astype(str), 6)).astype(object)
    shapes = shapely.box(west, south, west + 20, south + 10)
    crs = "EPSG:4548"
    plain = pd.DataFrame({"building_id": ids, "households": 24, "use": "residential"})
    buildings = gpd.GeoDataFrame(plain, geometry=shapes, crs=crs).set_index("building_id")
    cells = shapely.box(*np.stack([west, south, west + 40, south + 30])[:, :: count // 1552][:, :1552])
    grids = gpd.GeoDataFrame({"grid_id": [f"g{one}" for one in range(len(cells))]}, geometry=cells, crs=crs)
    tables = {"buildings": buildings, "grids": grids.set_index("grid_id")}
    names = np.array([f"category_{one:02}" for one in range(categories)], object)
    walks = pd.DataFrame(
        {
            "building_id": np.repeat(ids, categories),
            "category": np.tile(names, count),
            "walk_m": rng.uniform(0, 3000, count * categories).round(1),
            "facility_id": np.char.add("F", rng.integers(0, 5000, count * categories).astype(str)).astype(
                object
            ),
            "status": "reached",
        }
    ).astype({column.name: DTYPES[column.kind] for column in COVERAGE_TABLES["walks"].columns})
    coverage = Coverage(
        buildings.drop(columns="use"),
        walks,
        empty_table(COVERAGE_TABLES["rates"]),
        gpd.GeoDataFrame(empty_table(COVERAGE_TABLES["gaps"], crs)),
    )
    import pyproj

    return Town("州", pyproj.CRS(crs), tables, {"synthetic": "true"}), coverage


def measure_prefecture(url: str) -> None:
    town, coverage = prefecture()
    store = Store.open(url)
    for key, content in (("prefecture", town), ("coverage", coverage)):
        begun, spent = time.perf_counter(), time.process_time()
        store.add(key, content)
        print(
            f"{key:12} {time.perf_counter() - begun:6.1f} s, {time.process_time() - spent:.1f} s of them in this process"
        )
    store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgis"], default="sqlite")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--memory-seconds", type=float, default=300)
    parser.add_argument("--skip-prefecture", action="store_true")
    chosen = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        postgis_server() if chosen.database == "postgis" else nullcontext() as server,
    ):
        for name in ("county", "prefecture"):
            url = server.new_database() if server else f"sqlite:///{folder}/{name}.sqlite"
            if name == "county":
                measure_county(url, Path(folder), chosen.seconds, chosen.memory_seconds)
            elif not chosen.skip_prefecture:
                measure_prefecture(url)
    measure_encoders()


if __name__ == "__main__":
    main()
