"""Certificates in words: what is proven about a community's grids, as one sentence."""

from __future__ import annotations

from typing import Any

import pandas as pd

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
    values: dict[str, Any] = {
        "splits": _whole(certificate["extra_pieces"]),
        "least": _whole(certificate["extra_pieces_bound"]),
        "seconds": _whole(certificate["seconds"]),
        "witness": "" if pd.isna(certificate["witness"]) else str(certificate["witness"]),
        "gap": float(certificate["gap"]) if not pd.isna(certificate["gap"]) else 0.0,
    }
    key = status
    if status == "bounded" and not pd.isna(certificate["gap"]):
        key = "bounded_shape"
    elif status == "bounded" and (values["splits"] is None or values["least"] is None):
        key = "not_proven"
    elif status == "optimal" and values["splits"] == 0:
        key = "optimal_whole"
    elif status == "infeasible" and not values["witness"]:
        key = "infeasible_unexplained"
    return text(f"maps.certificate.{key}", language=language, **values)


def _whole(value: Any) -> int | None:
    return None if pd.isna(value) else round(float(value))
