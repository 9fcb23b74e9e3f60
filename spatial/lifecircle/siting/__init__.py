"""Siting: where the next services go, with a proof or an honest gap."""

from spatial.lifecircle.siting.models import Model, Siting, locate

__all__ = ["Model", "Siting", "locate"]
