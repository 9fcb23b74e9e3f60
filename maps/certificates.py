"""Certificates in words: what is proven about a community's grids, as one sentence."""

from __future__ import annotations

import pandas as pd

from spatial.grids.wording import retold
from spatial.messages import text

__all__ = ["certificate_sentence", "certificate_tag"]


def certificate_tag(status: str, language: str | None = None) -> str:
    """Return the short tag of a certificate's status, as shown beside a community's name."""
    return text(f"maps.certificate.tag.{status}", language=language)


def certificate_sentence(certificate: pd.Series, language: str | None = None) -> str:
    """Return what a certificate says, as a planner would say it to a colleague.

    Parameters
    ----------
    certificate : a row of a plan's ``certificates``
    language : one of `spatial.messages.LANGUAGES`; the current language when None
    """
    status = str(certificate["status"])
    splits, least = _whole(certificate["extra_pieces"]), _whole(certificate["extra_pieces_bound"])
    seconds = _whole(certificate["seconds"])
    witness = retold(certificate, "witness", language) or ""
    gap = 0.0 if pd.isna(certificate["gap"]) else float(certificate["gap"])
    if witness and (seconds is None or certificate["seconds"] == 0):
        return witness  # nothing was solved: the plan itself says why
    moved, least_moved = (
        _whole(certificate["moved_households"]),
        _whole(certificate.get("moved_households_bound")),
    )
    fewest = splits is not None and splits == least
    more = splits is not None and least is not None and splits > least
    key = status
    if status == "optimal" and moved is not None:
        key = "optimal_moved" if moved else "optimal_unmoved"
    elif status == "optimal" and splits == 0:
        key = "optimal_whole"
    elif status in {"bounded", "not_proven"} and (fewest or more):
        key = f"{status}_{'shape' if fewest else 'pieces'}"
    elif status == "infeasible" and not witness:
        key = "infeasible_unexplained"
    values = {
        "splits": splits,
        "least": least,
        "seconds": seconds,
        "witness": witness,
        "gap": gap,
        "moved": moved,
    }
    said = text(f"maps.certificate.{key}", language=language, **values)
    if status == "optimal" or not moved or not least_moved:
        return said
    key = "moved_least" if moved <= least_moved else "moved_more"
    change = text(f"maps.certificate.{key}", language=language, moved=moved, least_moved=least_moved)
    return text("maps.certificate.both", language=language, first=change, second=said)


def _whole(value: float | None) -> int | None:
    return None if value is None or pd.isna(value) else round(float(value))
