"""Presentation: layers, symbology, style, the static page, print and reports."""
