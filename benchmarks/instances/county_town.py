# ruff: noqa - kept as it was when its reference results were computed
"""Synthetic benchmark: partition the buildings of a county town into governance grids.

    python county_town.py OUT.gpkg [--scale town|prefecture] [--seed 7]

Layers: buildings (footprint), cells (gap-free tessellation of the town, one cell per building),
estates, blocks, communities, roads; and OUT.edges.csv (u,v,kind,shared_m,dist_m,cost), the
adjacency graph.  kind: 0 same estate, 1 estate wall in one block, 2 minor road, 3 main road;
edges across a community boundary are listed as kind 9 (never usable).
build(scale, seed) returns the same things in memory; evaluate(inst, label) scores a plan.
"""
import argparse, math
from collections import defaultdict
import numpy as np, pandas as pd, geopandas as gpd, shapely
from shapely.geometry import Polygon, LineString, MultiPoint, box, Point
from shapely.ops import split as shp_split
from shapely import affinity

L, U = 300, 500
SCALES = {  # blocks across, blocks up, communities, estates, households, single-building estates, estates over 500
    "town":       dict(nx=8,  ny=6,  ncom=13,  nest=120,  hh=46_000,  single=14,  big=12),
    "prefecture": dict(nx=24, ny=20, ncom=130, nest=1600, hh=620_000, single=185, big=160),
}
COST = {0: 1.0, 1: 1.5, 2: 2.0, 3: 6.0}
CRS = "EPSG:4527"

def _roads(rng, n, step, every):
    pos = np.concatenate([[0], np.cumsum(step * rng.uniform(0.75, 1.25, n))])
    main = np.array([i % every == 0 for i in range(n + 1)])
    return pos, main

def _cut(poly, n, w, rng):
    """Cut a convex polygon into pieces with area shares ~ w by straight lines."""
    if n == 1:
        return [poly]
    k = n // 2
    share = sum(w[:k]) / sum(w)
    r = poly.minimum_rotated_rectangle
    c = np.array(r.exterior.coords)
    e0, e1 = c[1] - c[0], c[2] - c[1]
    ax = e0 if np.hypot(*e0) > np.hypot(*e1) else e1
    ax = ax / np.hypot(*ax)
    t = rng.normal(0, 0.05)
    ax = np.array([ax[0] - t * ax[1], ax[1] + t * ax[0]])
    nrm = np.array([-ax[1], ax[0]])
    xy = np.array(poly.exterior.coords)
    lo, hi = (xy @ ax).min(), (xy @ ax).max()
    big = 1e5
    for _ in range(40):
        m = (lo + hi) / 2
        p = ax * m
        half = Polygon([p + nrm * big, p - nrm * big, p - nrm * big - ax * big, p + nrm * big - ax * big])
        if poly.intersection(half).area < share * poly.area:
            lo = m
        else:
            hi = m
    a, b = poly.intersection(half), poly.difference(half)
    return _cut(a, k, w[:k], rng) + _cut(b, n - k, w[k:], rng)

def build(scale="town", seed=7):
    P = SCALES[scale]
    rng = np.random.default_rng(seed)
    nx, ny = P["nx"], P["ny"]
    xs, mx = _roads(rng, nx, 430, 2)
    ys, my = _roads(rng, ny, 400, 3 if ny < 10 else 2)
    jit = rng.normal(0, 22, (nx + 1, ny + 1, 2))
    node = np.stack(np.meshgrid(xs, ys, indexing="ij"), -1) + jit
    blocks, bij = [], []
    for i in range(nx):
        for j in range(ny):
            blocks.append(Polygon([node[i, j], node[i + 1, j], node[i + 1, j + 1], node[i, j + 1]]))
            bij.append((i, j))
    nb = len(blocks); bid = {ij: k for k, ij in enumerate(bij)}
    roads = []
    for i in range(nx + 1):
        for j in range(ny):
            roads.append((LineString([node[i, j], node[i, j + 1]]), bool(mx[i])))
    for j in range(ny + 1):
        for i in range(nx):
            roads.append((LineString([node[i, j], node[i + 1, j]]), bool(my[j])))
    # block adjacency and whether the road between is a main road
    badj = defaultdict(dict)
    for (i, j), k in bid.items():
        if i + 1 < nx:
            m = bool(mx[i + 1]); q = bid[(i + 1, j)]; badj[k][q] = m; badj[q][k] = m
        if j + 1 < ny:
            m = bool(my[j + 1]); q = bid[(i, j + 1)]; badj[k][q] = m; badj[q][k] = m
    # estates per block, then sizes
    nest = P["nest"]
    per = np.ones(nb, int) * (nest // nb)
    for k in rng.permutation(nb)[: nest - per.sum()]:
        per[k] += 1
    for _ in range(nb * 2):  # make it uneven: 1 to 5 estates a block
        a, b = rng.integers(0, nb, 2)
        if per[a] > 1 and per[b] < 5:
            per[a] -= 1; per[b] += 1
    kind = np.array(["single"] * P["single"] + ["big"] * P["big"] + ["mid"] * (nest - P["single"] - P["big"]))
    rng.shuffle(kind)
    est_hh, est_nb = [], []
    for t in kind:
        if t == "single":
            n = 1; h = [int(rng.integers(40, 121))]
        else:
            tower = rng.random() < 0.2
            tot = rng.uniform(520, 1250) if t == "big" else np.clip(rng.lognormal(math.log(360), 0.35), 110, 430)
            mean = rng.uniform(60, 95) if tower else rng.uniform(22, 40)
            n = int(np.clip(round(tot / mean), 2, 30))
            h = np.clip(rng.normal(tot / n, tot / n * 0.18, n), 12, 120).round().astype(int).tolist()
        est_nb.append(n); est_hh.append(h)
    # communities: contiguous sets of blocks with near-equal households, avoiding main roads
    bh = np.zeros(nb); e = 0; est_block = []
    for k in range(nb):
        for _ in range(per[k]):
            bh[k] += sum(est_hh[e]); est_block.append(k); e += 1
    best = None
    for attempt in range(200 if nb < 100 else 30):
        com = -np.ones(nb, int); tot = np.zeros(P["ncom"])
        seeds = [int(rng.integers(nb))]
        cen = np.array([[b.centroid.x, b.centroid.y] for b in blocks])
        while len(seeds) < P["ncom"]:
            d = np.min(np.linalg.norm(cen[:, None] - cen[seeds][None], axis=2), axis=1)
            d[seeds] = 0
            seeds.append(int(rng.choice(nb, p=d**2 / (d**2).sum())))
        for c, s in enumerate(seeds):
            com[s] = c; tot[c] += bh[s]
        while (com < 0).any():
            for c in np.argsort(tot):
                f = [(badj[b][q], np.linalg.norm(cen[q] - cen[seeds[c]]), q) for b in np.where(com == c)[0] for q in badj[b] if com[q] < 0]
                if f:
                    q = min(f)[2]; com[q] = c; tot[c] += bh[q]; break
        s = tot.max() / max(tot.min(), 1)
        if best is None or s < best[0]:
            best = (s, com.copy())
    com = best[1]
    # rescale households to the exact total
    allh = np.concatenate(est_hh).astype(float)
    f = P["hh"] / allh.sum()  # close to 1
    for e in range(nest):
        est_hh[e] = [int(np.clip(round(x * f), 12, 120)) for x in est_hh[e]]
    diff = P["hh"] - sum(map(sum, est_hh))
    while diff:
        e = int(rng.integers(nest)); b = int(rng.integers(est_nb[e])); s = int(np.sign(diff))
        if 12 <= est_hh[e][b] + s <= 120:
            est_hh[e][b] += s; diff -= s
    # geometry
    E, B, C = [], [], []
    e = 0
    for k in range(nb):
        ids = list(range(e, e + per[k])); e += per[k]
        w = [0.35 + est_nb[q] / 10 for q in ids]
        for q, poly in zip(ids, _cut(blocks[k], len(ids), w, rng)):
            E.append((q, k, com[k], sum(est_hh[q]), est_nb[q], poly))
            n = est_nb[q]
            inner = poly.buffer(-min(18, 0.2 * math.sqrt(poly.area)))
            if inner.area < 0.3 * poly.area or inner.geom_type != "Polygon": inner = poly.buffer(-1.5)
            c = np.array(poly.minimum_rotated_rectangle.exterior.coords)
            ang = math.degrees(math.atan2(*(c[1] - c[0])[::-1])) % 90
            o = inner.centroid
            rot = affinity.rotate(inner, -ang, origin=o)
            x0, y0, x1, y1 = rot.bounds
            a = math.sqrt(rot.area / n)
            pts = []
            while len(pts) < n:
                sx, sy = a * 1.25, a * 0.8
                gx = np.arange(x0 + sx / 2, x1, sx); gy = np.arange(y0 + sy / 2, y1, sy)
                pts = [(x, y) for y in gy for x in gx if rot.contains(Point(x, y))]
                if n == 1 and not pts: pts = [(rot.centroid.x, rot.centroid.y)]
                a *= 0.97
            if len(pts) > n:  # drop surplus positions from the end of the last rows
                keep = np.sort(rng.permutation(len(pts))[:n]); pts = [pts[i] for i in keep]
            pts = [(x + rng.normal(0, 0.04 * a), y + rng.normal(0, 0.04 * a)) for x, y in pts]
            foot = [affinity.rotate(box(x - min(28, .42 * a), y - 7, x + min(28, .42 * a), y + 7), ang, origin=o) for x, y in pts]
            cent = [f.centroid for f in foot]
            if n == 1:
                cells = [poly]
            else:
                vor = shapely.voronoi_polygons(MultiPoint(cent), extend_to=poly.envelope.buffer(50))
                vs = list(vor.geoms); tree = shapely.STRtree(vs)
                cells = []
                for p in cent:
                    hit = [i for i in tree.query(p) if vs[i].contains(p)]
                    cells.append(vs[hit[0]].intersection(poly))
            for f, g, h in zip(foot, cells, est_hh[q]):
                B.append((len(B), q, k, com[k], h, f)); C.append(g)
    b = gpd.GeoDataFrame(pd.DataFrame([r[:5] for r in B], columns=["bid", "estate", "block", "community", "hh"]), geometry=[r[5] for r in B], crs=CRS)
    cells = b.drop(columns="geometry").set_geometry(gpd.GeoSeries(C, crs=CRS))
    cxy = np.array([[p.x, p.y] for p in b.geometry.centroid])
    b["x"], b["y"] = cxy[:, 0], cxy[:, 1]; cells["x"], cells["y"] = cxy[:, 0], cxy[:, 1]
    est = gpd.GeoDataFrame(pd.DataFrame([r[:5] for r in E], columns=["estate", "block", "community", "hh", "nb"]), geometry=[r[5] for r in E], crs=CRS)
    # adjacency: two cells are neighbours where they share more than 5 m of boundary
    buf = shapely.buffer(np.array(C), 0.5, join_style="mitre")
    tree = shapely.STRtree(buf)
    i, j = tree.query(buf, predicate="intersects")
    m = i < j; i, j = i[m], j[m]
    sh = shapely.area(shapely.intersection(buf[i], buf[j]))
    m = sh > 5; i, j, sh = i[m], j[m], sh[m]
    eb, bb, cc = b.estate.values, b.block.values, b.community.values
    kd = np.where(eb[i] == eb[j], 0, np.where(bb[i] == bb[j], 1, 2))
    for t in np.where(kd == 2)[0]:
        if badj[bb[i[t]]].get(bb[j[t]], True): kd[t] = 3
    kd = np.where(cc[i] != cc[j], 9, kd)
    dist = np.hypot(*(cxy[i] - cxy[j]).T)
    edges = pd.DataFrame(dict(u=i, v=j, kind=kd, shared_m=sh.round(1), dist_m=dist.round(1)))
    edges["cost"] = [COST.get(k, np.inf) for k in kd]
    blk = gpd.GeoDataFrame(dict(block=range(nb), community=com), geometry=blocks, crs=CRS)
    rd = gpd.GeoDataFrame(dict(main=[r[1] for r in roads]), geometry=[r[0] for r in roads], crs=CRS)
    return dict(buildings=b, cells=cells, estates=est, blocks=blk, communities=blk.dissolve("community").reset_index(), roads=rd, edges=edges, main_side=_sides(blk, badj))

def _sides(blk, badj):
    """Label of the area enclosed by main roads that each block lies in (per community)."""
    com = blk.community.values; lab = -np.ones(len(com), int); n = 0
    for s in range(len(com)):
        if lab[s] >= 0: continue
        st = [s]; lab[s] = n
        while st:
            a = st.pop()
            for q, m in badj[a].items():
                if not m and com[q] == com[a] and lab[q] < 0: lab[q] = n; st.append(q)
        n += 1
    return lab

def evaluate(inst, lab):
    """Score a plan: lab[b] = grid label of building b (labels unique across communities)."""
    b, ed = inst["buildings"], inst["edges"]
    lab = np.asarray(pd.factorize(np.asarray(lab))[0]); k = lab.max() + 1
    hh = b.hh.values; H = np.bincount(lab, hh, k)
    ok = (H >= L) & (H <= U)
    ncom = pd.Series(b.community.values).groupby(lab).nunique().values
    e = ed[ed.kind != 9]; same = lab[e.u.values] == lab[e.v.values]
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components
    g = coo_matrix((np.ones(same.sum()), (e.u.values[same], e.v.values[same])), shape=(len(b), len(b)))
    ncc, cc = connected_components(g, directed=False)
    parts = pd.Series(cc).groupby(lab).nunique().values
    pieces = pd.Series(lab).groupby(b.estate.values).nunique(); eh = inst["estates"].set_index("estate").hh.reindex(pieces.index)
    need = np.ceil(eh / U)
    side = inst["main_side"][b.block.values]
    xs = pd.Series(side).groupby(lab).nunique().values
    xy = b[["x", "y"]].values
    cx = np.bincount(lab, hh * xy[:, 0], k) / H; cy = np.bincount(lab, hh * xy[:, 1], k) / H
    d2 = (xy[:, 0] - cx[lab]) ** 2 + (xy[:, 1] - cy[lab]) ** 2
    rms = math.sqrt((hh * d2).sum() / hh.sum())
    geo = np.array(inst["cells"].geometry); pp = []; pd_ = []
    for t in range(k):
        m = np.where(lab == t)[0]
        u = shapely.union_all(shapely.buffer(geo[m], 0.3, join_style="mitre")).buffer(-0.3, join_style="mitre")
        pp.append(4 * math.pi * u.area / u.length ** 2)
        w = hh[m]; D = np.hypot(*(xy[m][:, None] - xy[m][None]).T)
        pd_.append((w @ D @ w) / w.sum() ** 2)
    return dict(grids=int(k), in_range_pct=round(100 * ok.mean(), 1), hh_min=int(H.min()), hh_max=int(H.max()),
                below=int((H < L).sum()), above=int((H > U).sum()), noncontig=int((parts > 1).sum()),
                cross_community=int((ncom > 1).sum()), cross_main_road=int((xs > 1).sum()),
                split_needless=int(((pieces > 1) & (eh <= U)).sum()), extra_pieces=int((pieces - need).clip(lower=0).sum()),
                pp_mean=round(float(np.mean(pp)), 3), rms_m=round(rms, 1), pair_m=round(float(np.mean(pd_)), 1),
                cut_cost=round(float((e.shared_m.values / e.cost.values)[~same].sum()), 0))

if __name__ == "__main__":
    ap = argparse.ArgumentParser(); ap.add_argument("out"); ap.add_argument("--scale", default="town"); ap.add_argument("--seed", type=int, default=7)
    a = ap.parse_args(); I = build(a.scale, a.seed)
    for n in ("buildings", "cells", "estates", "blocks", "communities", "roads"):
        I[n].to_file(a.out, layer=n, driver="GPKG")
    I["edges"].to_csv(a.out.replace(".gpkg", "") + ".edges.csv", index=False)
    b = I["buildings"]; print(len(b), "buildings", b.hh.sum(), "households", b.estate.nunique(), "estates", b.community.nunique(), "communities")
