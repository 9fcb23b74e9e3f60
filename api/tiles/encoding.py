"""Writing Mapbox vector tiles (specification 2.1) from arrays.

Geometry is written for whole layers at once.  Coordinates are whole units of a zoom level counted
from the corner of the world, so that a shape's command stream is the same in every tile but for its
first point: `Drawn` keeps the rest as finished bytes, and a tile only puts the first point before it.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

__all__ = ["Attributes", "Drawn", "draw", "layer_message"]

_MOVE, _LINE, _CLOSE = 1, 2, 15
_SHORT = [bytes([length]) for length in range(128)]

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Drawn:
    """Shapes as command streams.

    Attributes
    ----------
    kind : 1 point, 2 line, 3 polygon, 0 nothing left at this zoom; (n,)
    first : first point in units from the corner of the world, (n, 2)
    head : command that leads the first point, (n,)
    body : everything after the first point, one entry to a shape
    """

    kind: NDArray[np.uint8]
    first: Ints
    head: Ints
    body: NDArray[np.object_]

    def of(self, rows: Ints, instead: Drawn, where: NDArray[np.bool_]) -> Drawn:
        """Return the shapes of rows, those at ``where`` taken from ``instead`` in their order."""
        columns = []
        for name in ("kind", "first", "head", "body"):
            column = getattr(self, name)[rows]
            column[where] = getattr(instead, name)
            columns.append(column)
        return Drawn(*columns)


def draw(shapes: NDArray[np.object_], units_per_metre: float, corner: tuple[float, float]) -> Drawn:
    """Write shapes in whole units; parts that vanish are left out.

    Parameters
    ----------
    shapes : geometries in Web Mercator, exterior rings clockwise, (n,)
    units_per_metre : of the zoom level
    corner : Web Mercator coordinates of the world's north-west corner; y counts southward from it
    """
    count = len(shapes)
    kind, head = np.zeros(count, np.uint8), np.zeros(count, np.int64)
    first = np.zeros((count, 2), np.int64)
    body = np.full(count, b"", object)
    types = shapely.get_type_id(shapes)
    for number, members in ((1, (0, 4)), (2, (1, 2, 5)), (3, (3, 6))):
        rows = np.flatnonzero(np.isin(types, members) & ~shapely.is_empty(shapes))
        if not len(rows):
            continue
        points, part_starts, owner, outer = _parts(shapes[rows], number)
        units = np.column_stack([points[:, 0] - corner[0], corner[1] - points[:, 1]]) * units_per_metre
        whole = np.rint(units).astype(np.int64)
        whole, part_starts, owner = _simplest(whole, part_starts, owner, outer, number)
        if not len(owner):
            continue
        streams = _streams(whole, part_starts, owner, number)
        for row, begin, command, bytes_ in zip(
            rows[streams.rows], streams.begins, streams.heads, streams.bodies, strict=True
        ):
            body[row] = bytes_
            first[row], head[row], kind[row] = whole[begin], command, number
    return Drawn(kind, first, head, body)


def _parts(
    shapes: NDArray[np.object_], kind: int
) -> tuple[NDArray[np.float64], Ints, Ints, NDArray[np.bool_]]:
    """Return points, where each part starts (and the end), whose part it is, and whether it is an outer one."""
    type_, points, offsets = shapely.to_ragged_array(shapes)
    levels = [np.asarray(one, np.int64) for one in offsets]
    if type_ == shapely.GeometryType.POINT:
        levels = [np.arange(len(shapes) + 1)]
    if type_ == shapely.GeometryType.LINESTRING:
        levels = [*levels, np.arange(len(shapes) + 1)]
    if kind == 1:  # a multipoint is one part of many points
        return points, levels[0], np.arange(len(shapes)), np.ones(len(shapes), bool)
    starts = levels[0]
    outer = np.ones(len(starts) - 1, bool)
    of_shape = levels[1]
    if kind == 3:
        polygons = levels[1] if len(levels) == 3 else of_shape
        outer[:] = False
        outer[polygons[:-1]] = True
        of_shape = polygons[levels[2]] if len(levels) == 3 else of_shape
    owner = np.repeat(np.arange(len(shapes)), np.diff(of_shape))
    return points, starts, owner, outer


def _simplest(
    whole: Ints, starts: Ints, owner: Ints, outer: NDArray[np.bool_], kind: int
) -> tuple[Ints, Ints, Ints]:
    """Leave out points that repeat the one before, closing points, and parts of which nothing is left."""
    part = np.repeat(np.arange(len(owner)), np.diff(starts))
    if kind == 1:
        return whole, starts, owner
    is_first = np.zeros(len(whole), bool)
    is_first[starts[:-1]] = True
    moved = np.any(np.diff(whole, axis=0, prepend=whole[:1] - 1) != 0, axis=1) | is_first
    if kind == 3:
        # A ring closes itself, so its last point goes, and with it any that equal the first.
        last = starts[1:] - 1
        moved[last] = False
        open_first = whole[starts[:-1]]
        tail = last - 1
        again = np.all(whole[tail] == open_first, axis=1) & (tail > starts[:-1])
        moved[tail[again]] = False
    counts = np.bincount(part[moved], minlength=len(owner))
    keep = counts >= (3 if kind == 3 else 2)
    if kind == 3:
        kept_points = whole[moved]
        begin = np.concatenate([[0], np.cumsum(counts)])
        after = np.arange(1, len(kept_points) + 1)
        filled = counts > 0
        after[begin[1:][filled] - 1] = begin[:-1][filled]
        cross = kept_points[:, 0] * kept_points[after, 1] - kept_points[after, 0] * kept_points[:, 1]
        doubled = np.bincount(part[moved], weights=cross, minlength=len(owner))
        # Seen southward, outer rings have a positive area and holes a negative one.
        keep &= np.where(outer, doubled > 0, doubled < 0)
        polygon = np.cumsum(outer) - 1
        keep &= keep[np.flatnonzero(outer)][polygon]
    used = moved & keep[part]
    new_starts = np.concatenate([[0], np.cumsum(counts[keep])])
    return whole[used], new_starts, owner[keep]


@dataclass(frozen=True)
class _Streams:
    rows: Ints
    begins: Ints
    heads: list[int]
    bodies: list[bytes]


def _streams(whole: Ints, starts: Ints, owner: Ints, kind: int) -> _Streams:
    """Write the commands of all parts; shapes with no part left do not appear."""
    counts = np.diff(starts)
    part = np.repeat(np.arange(len(owner)), counts)
    index = np.arange(len(whole))
    is_first = index == starts[part]
    position = 2 * index + kind * part + 1
    if kind > 1:
        position += ~is_first
    words = np.zeros(2 * len(whole) + kind * len(owner), np.uint64)
    steps = np.diff(whole, axis=0, prepend=whole[:1])
    zigzag = ((steps << 1) ^ (steps >> 63)).astype(np.uint64)
    words[position], words[position + 1] = zigzag[:, 0], zigzag[:, 1]
    begin = position[starts[:-1]] - 1
    words[begin] = (counts << 3 | _MOVE) if kind == 1 else (1 << 3 | _MOVE)
    if kind > 1:
        words[begin + 3] = (counts - 1) << 3 | _LINE
    if kind == 3:
        words[position[starts[1:] - 1] + 2] = _CLOSE
    data, ends = _varints(words)
    new_shape = np.flatnonzero(np.diff(owner, prepend=-1))
    word_start = begin[new_shape]
    word_end = np.append(word_start[1:], len(words))
    text = data.tobytes()
    bodies = [
        text[low:high]
        for low, high in zip(ends[word_start + 2].tolist(), ends[word_end - 1].tolist(), strict=True)
    ]
    return _Streams(owner[new_shape], starts[new_shape], words[word_start].astype(int).tolist(), bodies)


def _varints(values: NDArray[np.uint64]) -> tuple[NDArray[np.uint8], Ints]:
    """Return the variable-length form of numbers and where each one ends."""
    size = np.ones(len(values), np.int64)
    for bits in range(7, 64, 7):
        more = values >= np.uint64(1 << bits)
        if not more.any():
            break
        size += more
    ends = np.cumsum(size)
    starts = ends - size
    data = np.zeros(int(ends[-1]) if len(ends) else 0, np.uint8)
    for byte in range(int(size.max()) if len(size) else 0):
        has = size > byte
        low = (values[has] >> np.uint64(7 * byte)) & np.uint64(0x7F)
        data[starts[has] + byte] = low | np.where(size[has] > byte + 1, 0x80, 0).astype(np.uint64)
    return data, ends


def _varint(value: int) -> bytes:
    if value < 128:
        return _SHORT[value]
    parts = bytearray()
    while value > 127:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


class Attributes:
    """The properties of a layer, each different value written once.

    Parameters
    ----------
    table : one row to a feature; a null is no property
    """

    def __init__(self, table: pd.DataFrame) -> None:
        self.keys = [_field(3, str(name).encode()) for name in table]
        codes = np.full((len(table), len(self.keys)), -1, np.int64)
        self._values: list[bytes] = []
        for number, name in enumerate(table):
            code, different = pd.factorize(table[name])
            codes[:, number] = np.where(code >= 0, code + len(self._values), -1)
            self._values += [_field(4, _value(one)) for one in different]
        self._codes = codes

    def of(self, rows: Ints) -> tuple[list[bytes], list[bytes]]:
        """Return the tag bytes of rows, and the value messages that they number."""
        codes = self._codes[rows]
        present = codes >= 0
        used, local = np.unique(codes[present], return_inverse=True)
        words = np.empty((len(local), 2), np.uint64)
        words[:, 0], words[:, 1] = np.nonzero(present)[1], local
        data, ends = _varints(words.ravel())
        text = data.tobytes()
        edge = np.concatenate([[0], np.cumsum(2 * present.sum(axis=1))])
        stops = np.concatenate([[0], ends])[edge].tolist()
        tags = [text[low:high] for low, high in itertools.pairwise(stops)]
        return tags, [self._values[number] for number in used.tolist()]


def _value(value: object) -> bytes:
    if isinstance(value, (bool, np.bool_)):
        return b"\x38\x01" if value else b"\x38\x00"
    if isinstance(value, (int, np.integer)):
        number = int(value)
        return b"\x30" + _varint((number << 1) ^ (number >> 63))
    if isinstance(value, (float, np.floating)):
        return b"\x19" + np.float64(value).tobytes()
    text = str(value).encode()
    return b"\x0a" + _varint(len(text)) + text


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def layer_message(
    name: str,
    drawn: Drawn,
    rows: Ints,
    ids: Ints,
    attributes: Attributes,
    *,
    origin: tuple[int, int],
    extent: int,
) -> bytes:
    """Return a layer of a tile, or b'' where nothing is drawn.

    Parameters
    ----------
    drawn : the shapes of the tile's features
    rows, ids : number of each feature in the layer, and its id
    attributes : of the layer
    origin : units of the tile's north-west corner
    extent : units across the tile
    """
    kept = np.flatnonzero(drawn.kind)
    if not len(kept):
        return b""
    rows = rows[kept]
    tags, values = attributes.of(rows)
    local = drawn.first[kept] - np.array(origin)
    words = np.column_stack([drawn.head[kept], (local << 1) ^ (local >> 63)]).astype(np.uint64)
    data, ends = _varints(words.ravel())
    text, stops = data.tobytes(), [0, *ends[2::3].tolist()]
    parts = [b"\x78\x02", _field(1, name.encode())]
    kinds, bodies = drawn.kind[kept].tolist(), drawn.body[kept].tolist()
    for position, (number, rest) in enumerate(zip(ids[kept].tolist(), bodies, strict=True)):
        begin, end = stops[position], stops[position + 1]
        tag = tags[position]
        feature = b"".join((
            b"\x08", _varint(number),
            b"\x12", _varint(len(tag)), tag,
            b"\x18", _SHORT[kinds[position]],
            b"\x22", _varint(end - begin + len(rest)), text[begin:end], rest,
        ))  # fmt: skip
        parts += (b"\x12", _varint(len(feature)), feature)
    parts += attributes.keys
    parts += values
    parts += (b"\x28", _varint(extent))
    return _field(3, b"".join(parts))
