"""Mutated files for every reader, and the program that imports them one by one.

Run as a program it imports each file of a folder and prints one JSON line to a file: what became of
it.  It runs in a process of its own, so that a crash of a native library is seen and not suffered.
"""

from __future__ import annotations

import io
import json
import shutil
import signal
import sys
import traceback
import warnings
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import shapely

HANG_S = 10
X0, Y0 = 450_000.0, 4_427_000.0


def samples(folder: Path) -> list[Path]:
    """Write one small sound file of every kind and return them; a Shapefile is its archive."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = range(12)
    layer = gpd.GeoDataFrame(
        {
            "name": [f"阳光小区{row}号楼" for row in rows],
            "户数": [row * 7 for row in rows],
            "用途": ["住宅", "商业"] * 6,
        },
        geometry=[shapely.box(X0 + 40 * row, Y0, X0 + 40 * row + 12, Y0 + 10) for row in rows],
        crs="EPSG:4548",
    )
    degrees = layer.to_crs("EPSG:4326")
    points = degrees.representative_point().get_coordinates()
    table = layer.drop(columns="geometry").assign(经度=points["x"].to_numpy(), 纬度=points["y"].to_numpy())
    layer.to_file(folder / "楼栋.gpkg", driver="GPKG")
    degrees.to_file(folder / "楼栋.geojson", driver="GeoJSON")
    degrees.rename(columns={"name": "Name"}).to_file(folder / "楼栋.kml", driver="KML")
    layer[["geometry"]].to_file(folder / "楼栋.dxf", driver="DXF")
    layer.to_parquet(folder / "楼栋.parquet")
    table.to_csv(folder / "楼栋.csv", index=False, encoding="gbk")
    table.to_excel(folder / "楼栋.xlsx", index=False)
    pyogrio.write_dataframe(layer, folder / "shape.shp", encoding="gbk")
    with zipfile.ZipFile(folder / "楼栋.zip", "w") as archive:
        for file in sorted(folder.glob("shape.*")):
            archive.write(file, file.name)
    _write_osm(folder / "map.osm")
    _write_osm(folder / "map.osm.pbf")
    return sorted(file for file in folder.iterdir() if not file.name.startswith("shape."))


def _write_osm(path: Path) -> None:
    import osmium
    from osmium.osm.mutable import Node, Way

    with osmium.SimpleWriter(str(path)) as writer:
        for number in range(1, 25):
            place = (116.3 + number % 5 / 1000, 40 + number // 5 / 1000)
            writer.add_node(
                Node(id=number, location=place, tags={"amenity": "pharmacy"} if number < 4 else {})
            )
        for number in range(4):
            corners = [5 * number + offset for offset in (1, 2, 7, 6, 1)]
            writer.add_way(Way(id=number + 1, nodes=corners, tags={"building": "residential"}))
        writer.add_way(Way(id=9, nodes=list(range(1, 20)), tags={"highway": "residential"}))


def mutate(content: bytes, rng: np.random.Generator) -> bytes:
    """Return the bytes of a file with one or two faults in them."""
    changed = bytearray(content)
    for _ in range(int(rng.integers(1, 3))):
        at, until = sorted(int(one) for one in rng.integers(0, len(changed) + 1, 2))
        match rng.integers(0, 8):
            case 0:
                del changed[at:]
            case 1:
                del changed[at : min(until, at + 64)]
            case 2:
                changed[at:at] = rng.bytes(int(rng.integers(1, 32)))
            case 3 if at < len(changed):
                changed[at] ^= 1 << int(rng.integers(0, 8))
            case 4:
                changed[at : at + 8] = rng.bytes(8)
            case 5:
                changed[at:at] = changed[at : min(until, at + 512)]
            case 6:
                changed[at:at] = [b"NaN", b"inf", b"-1e999", "\u202e小区".encode() * 100, b'"', b"=1+1"][
                    int(rng.integers(0, 6))
                ]
            case _:
                changed[at : at + 16] = bytes(16)
    return bytes(changed)


def write_mutants(folder: Path, count: int, seed: int) -> None:
    """Write ``count`` mutated files, by turns of every kind; some under another kind's extension."""
    rng = np.random.default_rng(seed)
    originals = samples(folder.parent / "samples")
    folder.mkdir()
    for number in range(count):
        original = originals[number % len(originals)]
        named = originals[int(rng.integers(len(originals)))] if rng.random() < 0.1 else original
        target = folder / f"{number:05d}"
        target.mkdir()
        content = original.read_bytes()
        inside = zipfile.is_zipfile(original) and rng.random() < 0.7
        (target / named.name).write_bytes(_mutate_member(original, rng) if inside else mutate(content, rng))


def _mutate_member(archive: Path, rng: np.random.Generator) -> bytes:
    """Return an archive in which one member is mutated and the archive itself is sound."""
    changed = io.BytesIO()
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(changed, "w") as target:
        names = source.namelist()
        chosen = names[int(rng.integers(len(names)))]
        for name in names:
            content = source.read(name)
            target.writestr(name, mutate(content, rng) if name == chosen else content)
    return changed.getvalue()


def main(folder: Path, report: Path) -> None:
    """Import every file below a folder and write what became of each."""
    from spatial.errors import WanggeError
    from spatial.io import import_town
    from spatial.io.sources import Sources

    def hang(*_: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, hang)
    warnings.simplefilter("ignore")
    with report.open("a", encoding="utf-8") as lines:
        for target in sorted(folder.iterdir()):
            (file,) = target.iterdir()
            outcome = "town"
            signal.alarm(HANG_S)
            try:
                counts = import_town([file]).counts
                with Sources.of([file]) as opened:
                    read = {
                        name: len(opened.read(name)) for name in opened.layer_names if not opened.is_osm(name)
                    }
                told = counts.groupby("layer")["rows"].sum()
                dropped = {name: rows for name, rows in read.items() if rows and told.get(name, 0) != rows}
                assert not dropped, f"rows without an account: {dropped}"
            except WanggeError as error:
                outcome = error.statement.key
                str(error)
            except BaseException:  # noqa: BLE001 — whatever else comes out is the fault looked for
                outcome = traceback.format_exc()
            signal.alarm(0)
            lines.write(json.dumps({"file": str(file), "outcome": outcome}, ensure_ascii=False) + "\n")
            lines.flush()
            shutil.rmtree(target) if not outcome.startswith("Traceback") else None


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
