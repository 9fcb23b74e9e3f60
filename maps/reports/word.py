"""Texts: a report as a DOCX file, A4 landscape, its maps as pictures."""

from __future__ import annotations

import html
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from maps.print.drawing import svg_document
from maps.print.typesetting import chinese_font, picture
from maps.reports.document import Cell, Chapter, Column, Document, Figure, Table, written
from maps.symbology import colour
from spatial.io.packages import written_whole

if TYPE_CHECKING:
    from docx.document import Document as Paper

__all__ = ["write_text"]

_PAGE_MM, _MARGIN_MM = (297.0, 210.0), 15.0
_WIDTH_MM = _PAGE_MM[0] - 2 * _MARGIN_MM
_TWIPS_PER_MM = 56.7
_TABLE_POINTS, _TEXT_POINTS, _TITLE_POINTS = 8.0, 10.5, 20.0
_NAMESPACE = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def write_text(document: Document, path: Path) -> None:
    """Write a document as DOCX.

    Headings of tables come again on every page, and no row is parted by the end of a page; every page says
    what must stand beside the figures, and its number.

    Raises
    ------
    FileError
        If the machine has no Chinese font for the maps, or the file cannot be written.
    """
    import docx
    from docx.enum.section import WD_ORIENTATION
    from docx.shared import Mm, Pt

    paper = docx.Document()
    paper.core_properties.title = document.title
    paper.core_properties.language = document.language
    section = paper.sections[0]
    section.page_width, section.page_height = (Mm(one) for one in _PAGE_MM)
    section.orientation = WD_ORIENTATION.LANDSCAPE
    for side in ("left_margin", "right_margin", "top_margin", "bottom_margin"):
        setattr(section, side, Mm(_MARGIN_MM))
    _set_type(paper)
    heading = paper.add_paragraph()
    run = heading.add_run(document.title)
    run.bold, run.font.size = True, Pt(_TITLE_POINTS)
    if document.labels:
        paper.add_paragraph("　".join(document.labels)).runs[0].bold = True
    paper.add_paragraph("　".join(document.marks))
    _foot(paper, document)
    for chapter in document.chapters:
        _write_chapter(paper, chapter)
    with written_whole(path) as partial:
        paper.save(str(partial))


def _set_type(paper: Paper) -> None:
    """Give every style one face for Chinese and for Latin."""
    from docx.oxml.ns import qn
    from docx.shared import Pt

    face = chinese_font()
    paper.styles["Normal"].font.size = Pt(_TEXT_POINTS)
    for name in ("Normal", "Heading 1", "Heading 2", "Heading 3"):
        fonts = paper.styles[name].element.get_or_add_rPr().get_or_add_rFonts()
        for part in ("ascii", "hAnsi", "eastAsia", "cs"):
            fonts.set(qn(f"w:{part}"), face)
        for part in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
            fonts.attrib.pop(qn(f"w:{part}"), None)


def _foot(paper: Paper, document: Document) -> None:
    from docx.oxml import parse_xml
    from docx.shared import Pt

    foot = paper.sections[0].footer.paragraphs[0]
    foot.add_run("　".join((*document.labels, *document.marks, ""))).font.size = Pt(_TABLE_POINTS)
    for code in ("PAGE", "NUMPAGES"):
        if code == "NUMPAGES":
            foot.add_run(" / ").font.size = Pt(_TABLE_POINTS)
        number = f'<w:fldSimple {_NAMESPACE} w:instr="{code}"><w:r><w:t>1</w:t></w:r></w:fldSimple>'
        foot._p.append(parse_xml(number))  # noqa: SLF001 - python-docx has no fields


def _write_chapter(paper: Paper, chapter: Chapter) -> None:
    paper.add_heading(chapter.title, level=1)
    for one in chapter.paragraphs:
        paper.add_paragraph(one)
    for figure in chapter.figures:
        _write_figure(paper, figure)
    for table in chapter.page_tables:
        _write_table(paper, table)


def _write_figure(paper: Paper, figure: Figure) -> None:
    from docx.shared import Mm, Pt

    drawn = svg_document(
        figure.width_mm,
        figure.height_mm,
        figure.content.replace("{font}", html.escape(chinese_font(), quote=True)),
    )
    image = BytesIO(picture(drawn, figure.width_mm))
    paper.add_picture(image, width=Mm(min(figure.width_mm, _WIDTH_MM)))
    paper.paragraphs[-1].paragraph_format.keep_with_next = True
    caption = paper.add_paragraph(f"{figure.title}　{figure.source}")
    caption.runs[0].font.size = Pt(_TABLE_POINTS)


def _write_table(paper: Paper, table: Table) -> None:
    from docx.oxml import parse_xml
    from docx.shared import Pt

    paper.add_heading(table.title, level=2)
    for note in table.notes:
        said = paper.add_paragraph(note)
        said.runs[0].font.size = Pt(_TABLE_POINTS)
        said.paragraph_format.keep_with_next = True
    for heading, columns, rows in table.for_pages():
        if heading:
            paper.add_heading(heading, level=3)
        last = paper.add_paragraph()
        last.paragraph_format.space_after = Pt(2)
        last._p.addprevious(parse_xml(_table_xml(columns, rows)))  # noqa: SLF001 - python-docx is slow by the cell


def _table_xml(columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> str:
    """Return a table over the whole width of the page as WordprocessingML."""
    whole = sum(column.width for column in columns)
    widths = [round(column.width / whole * _WIDTH_MM * _TWIPS_PER_MM) for column in columns]
    line = colour("--line-strong").removeprefix("#")
    edges = "".join(
        f'<w:{side} w:val="single" w:sz="4" w:color="{line}"/>' for side in ("top", "bottom", "insideH")
    )
    margins = "".join(f'<w:{side} w:w="60" w:type="dxa"/>' for side in ("left", "right"))
    head = _row_xml([column.title for column in columns], columns, widths, head=True)
    body = "".join(
        _row_xml(
            [written(value, column) for value, column in zip(row, columns, strict=True)], columns, widths
        )
        for row in rows
    )
    grid = "".join(f'<w:gridCol w:w="{width}"/>' for width in widths)
    return (
        f'<w:tbl {_NAMESPACE}><w:tblPr><w:tblW w:w="{sum(widths)}" w:type="dxa"/><w:tblBorders>{edges}'
        f'</w:tblBorders><w:tblLayout w:type="fixed"/><w:tblCellMar>{margins}</w:tblCellMar></w:tblPr>'
        f"<w:tblGrid>{grid}</w:tblGrid>{head}{body}</w:tbl>"
    )


def _row_xml(
    texts: Sequence[str], columns: Sequence[Column], widths: Sequence[int], *, head: bool = False
) -> str:
    shade = f'<w:shd w:val="clear" w:fill="{colour("--surface-3").removeprefix("#")}"/>' if head else ""
    kept = "<w:keepNext/>" if head else ""
    size = f'<w:sz w:val="{_TABLE_POINTS * 2:.0f}"/>'
    cells = "".join(
        f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/>{shade}</w:tcPr><w:p><w:pPr>{kept}'
        f'<w:spacing w:before="20" w:after="20" w:line="220" w:lineRule="atLeast"/>'
        f'<w:jc w:val="{"left" if column.format == "text" else "right"}"/><w:rPr>{size}</w:rPr></w:pPr>'
        f"<w:r><w:rPr>{'<w:b/>' if head else ''}{size}</w:rPr>"
        f'<w:t xml:space="preserve">{html.escape(_printable(words))}</w:t></w:r></w:p></w:tc>'
        for words, column, width in zip(texts, columns, widths, strict=True)
    )
    repeated = "<w:tblHeader/>" if head else ""
    return f"<w:tr><w:trPr><w:cantSplit/>{repeated}</w:trPr>{cells}</w:tr>"


def _printable(words: str) -> str:
    """Return a text without the signs that XML cannot hold."""
    return "".join(sign for sign in words if sign >= " " or sign in "\t\n")
