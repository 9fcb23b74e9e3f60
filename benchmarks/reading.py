"""Reading an OpenStreetMap extract: ours beside pyrosm, seconds, peak memory and counts.

Each run is a process of its own, the programs by turns.  Three views of the time: the whole process,
imports included; the first read, in which pyrosm imports what it needs; a second read in the same process,
which is reading alone.  Compared are ways with `highway`, areas with `building`, and points of interest
(`amenity` or `shop`).

The program `bare` hands the same objects to Python and keeps nothing of them: what osmium needs for reading,
joining locations, assembling areas and iterating, the least that any reader upon it can take.  Its ratio is
the most that ours could reach.  (GDAL's driver, asked for the same keys alone, takes twice the time of ours
and hands over rings that do not close.)

Counts of areas differ where an extract cuts a ring: pyrosm closes it across the gap, which makes a polygon
that is not there (a third of them invalid); ours keeps the line of the nodes that are there and names the
way as incomplete.  They are printed as `cut rings`.

    python benchmarks/reading.py [FILE.osm.pbf]
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
RUNS = 5
# What is measured, how it is called, and with how many digits it is printed.
VIEWS = {
    "process": ("whole process, s", 2),
    "first": ("first read, s", 3),
    "second": ("second read, s", 3),
    "peak_mb": ("peak memory, MB", 0),
}

# What each program does; it prints counts, CPU seconds of reading, and peak memory in MB.
PROGRAM = """
import json, resource, sys, time, warnings
warnings.simplefilter("ignore")
path = sys.argv[1]
counts = {{}}
{imports}
start = time.process_time()
{body}
first = time.process_time()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
{body}
print(json.dumps({{
    "process": first,
    "first": first - start,
    "second": time.process_time() - first,
    "peak_mb": peak / 1024,
    "counts": {{name: int(count) for name, count in counts.items()}},
}}))
"""
OURS = PROGRAM.format(
    imports="from spatial.io.osm import read_osm\nimport osmium",
    body="""
extract = read_osm(path, ["highway", "building", "amenity", "shop"], ["name"])
points, lines, areas = (extract.layers[name] for name in ("points", "lines", "areas"))
counts["highways"] = (lines["highway"].notna()).sum()
counts["buildings"] = areas["building"].notna().sum()
counts["poi points"] = (points["amenity"].notna() | points["shop"].notna()).sum()
counts["poi areas"] = (areas["amenity"].notna() | areas["shop"].notna()).sum()
cut = lines["osm_id"].isin(extract.incomplete)
counts["cut rings of buildings"] = (cut & lines["building"].notna()).sum()
counts["cut rings of pois"] = (cut & (lines["amenity"].notna() | lines["shop"].notna())).sum()
""",
)
BARE = PROGRAM.format(
    imports="from spatial.io.osm import read_osm\nimport osmium",
    body="""
chosen = osmium.filter.KeyFilter("highway", "building", "amenity", "shop")
counts["objects"] = sum(1 for _ in osmium.FileProcessor(path).with_areas(chosen).with_filter(chosen))
""",
)
THEIRS = PROGRAM.format(
    imports="""import pyrosm
def read(path):
    osm = pyrosm.OSM(path)
    return (
        osm.get_data_by_custom_criteria(
            custom_filter={"highway": True}, filter_type="keep", keep_nodes=False, keep_relations=False
        ),
        osm.get_buildings(),
        osm.get_pois(custom_filter={"amenity": True, "shop": True}),
    )
""",
    body="""
streets, buildings, pois = read(path)
counts["highways"] = len(streets)
counts["buildings"] = len(buildings)
counts["poi points"] = (pois.geom_type == "Point").sum()
counts["poi areas"] = pois.geom_type.isin(["Polygon", "MultiPolygon"]).sum()
""",
)


def run(program: str, path: Path) -> dict:
    """Run one program in a process of its own and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    beside = ROOT.parent / "shared" / "data" / "helsinki-centre" / "helsinki-centre.osm.pbf"
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else beside
    if not path.is_file():
        print(f"no extract at {path}")
        return
    programs = {"ours": OURS, "bare": BARE, "pyrosm": THEIRS}
    results: dict[str, list[dict]] = {name: [] for name in programs}
    for _ in range(RUNS):
        for name, program in programs.items():
            results[name].append(run(program, path))
    medians = {
        name: {view: statistics.median(one[view] for one in runs) for view in VIEWS}
        for name, runs in results.items()
    }
    print(f"{path.name}: CPU seconds and peak memory, medians of {RUNS} runs by turns")
    print(f"{'':24}{'ours':>10}{'bare':>10}{'pyrosm':>10}{'pyrosm/ours':>14}{'pyrosm/bare':>14}")
    for view, (title, digits) in VIEWS.items():
        ours, bare, theirs = (medians[name][view] for name in programs)
        values = "".join(f"{value:10.{digits}f}" for value in (ours, bare, theirs))
        print(f"  {title:22}{values}{theirs / ours:14.2f}{theirs / bare:14.2f}")
    for name in programs:
        print(f"  {name}: {results[name][0]['counts']}")


if __name__ == "__main__":
    main()
