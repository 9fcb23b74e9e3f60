"""Web pages: a report as one HTML file that opens without a network."""

from __future__ import annotations

import html
from importlib.resources import files
from pathlib import Path

from maps.reports.document import Chapter, Document, Figure, Table, written
from maps.symbology import tokens, tokens_css
from spatial.io.packages import written_whole

__all__ = ["write_webpage"]


def write_webpage(document: Document, path: Path) -> None:
    """Write a document as one HTML file; its maps are drawings inside it.

    Raises
    ------
    FileError
        If the file cannot be written.
    """
    style = (files("maps") / "summary.css").read_text(encoding="utf-8")
    own = (files(__package__) / "webpage.css").read_text(encoding="utf-8")
    tags = "".join(f'<span class="tag">{html.escape(one)}</span>' for one in document.labels)
    marks = "　".join(html.escape(one) for one in document.marks)
    links = "".join(
        f'<a href="#chapter-{number}">{html.escape(chapter.title)}</a>'
        for number, chapter in enumerate(document.chapters)
    )
    body = "".join(_chapter(chapter, number) for number, chapter in enumerate(document.chapters))
    title = html.escape(document.title)
    page = (
        f'<!DOCTYPE html>\n<html lang="{document.language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>'
        f"<style>{tokens_css()}{style}{own}</style></head><body><header><h1>{title}</h1>{tags}"
        f"<p>{marks}</p></header><nav>{links}</nav><main>{body}</main></body></html>\n"
    )
    with written_whole(path) as partial:
        partial.write_text(page, encoding="utf-8")


def _chapter(chapter: Chapter, number: int) -> str:
    said = "".join(f"<p>{html.escape(one)}</p>" for one in chapter.paragraphs)
    figures = "".join(_figure(one) for one in chapter.figures)
    tables = "".join(_table(one) for one in chapter.page_tables)
    heading = f"<h2>{html.escape(chapter.title)}</h2>"
    return f'<section id="chapter-{number}">{heading}{said}{figures}{tables}</section>'


def _figure(figure: Figure) -> str:
    from maps.print.drawing import svg_document

    font = html.escape(tokens()["--font"], quote=True)
    drawn = svg_document(figure.width_mm, figure.height_mm, figure.content.replace("{font}", font))
    title, source = html.escape(figure.title), html.escape(figure.source)
    drawn = drawn.replace("<svg ", f'<svg role="img" aria-label="{title}" ', 1)
    return f"<figure>{drawn}<figcaption>{title}　{source}</figcaption></figure>"


def _table(table: Table) -> str:
    parts = []
    for heading, columns, rows in table.for_pages():
        numbers = [column.format != "text" for column in columns]
        heads = "".join(
            f"<th{' class=number' if number else ''}>{html.escape(column.title)}</th>"
            for column, number in zip(columns, numbers, strict=True)
        )
        lines = "".join(
            "<tr>"
            + "".join(
                f"<td{' class=number' if number else ''}>{html.escape(written(value, column))}</td>"
                for value, column, number in zip(row, columns, numbers, strict=True)
            )
            + "</tr>"
            for row in rows
        )
        head = f"<h4>{html.escape(heading)}</h4>" if heading else ""
        parts.append(f"{head}<table><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table>")
    notes = "".join(f"<p>{html.escape(one)}</p>" for one in table.notes)
    return f"<h3>{html.escape(table.title)}</h3>{notes}{''.join(parts)}"
