"""The whole book as one PDF, printed by a Chromium from the built pages.

    python tools/pdf.py                    _build/html becomes _build/reading-alexnet.pdf

Each page of _toc.yml is printed by itself, in their order, and pypdf joins them. On paper a widget is its
stored picture, solutions are open, and page numbers run through the book.
"""

import argparse
import io
import os
import shutil
from pathlib import Path

import yaml
from playwright.sync_api import sync_playwright
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, FloatObject, NameObject, NullObject

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM_NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chromium-headless-shell",
)
WIDGETS = "**/page-widgets.js"
# Chromium counts the pages of each print from one; the margin box is told where the book has got to.
STYLE = """
@page { size: A4; margin: 18mm 16mm 20mm; @bottom-center { content: counter(page); font: 9pt sans-serif } }
html { counter-reset: page %d }
*, ::before, ::after { animation: none !important; transition: none !important }
"""
SETTLE = """async () => {
  document.querySelectorAll("details").forEach(folded => { folded.open = true; });
  for (const picture of document.images) picture.loading = "eager";
  await Promise.all([...document.images].map(picture => picture.decode().catch(() => 0)));
  await document.fonts.ready;
}"""


def chapters():
    """The pages of the book in order: the part of each, None for the first, and its name without .html."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))
    listed = [(part["caption"], chapter["file"]) for part in toc["parts"] for chapter in part["chapters"]]
    return [(None, toc["root"]), *listed]


def print_page(page, file, first):
    """One built page as PDF bytes; its first sheet of paper has the number `first`."""
    page.goto(file.as_uri(), wait_until="load")
    page.add_style_tag(content=STYLE % (first - 1))
    page.evaluate(SETTLE)
    return page.pdf(prefer_css_page_size=True, print_background=True)


def title_of(page):
    """The page's title, without the mark that links to it."""
    return page.evaluate("() => document.querySelector('h1').firstChild.textContent.trim()")


def places_in(reader, first, address, writer):
    """Where the links into one printed page lead: its address, alone or with a fragment -> a PDF destination.

    Chromium names a destination by its fragment, and pages of a book share fragments, so names will not do.
    """
    sheets = writer.pages[first:]
    places = {address: [sheets[0].indirect_reference, NameObject("/Fit")]}
    for name, place in reader.named_destinations.items():
        sheet = sheets[reader.get_destination_page_number(place)].indirect_reference
        spot = [sheet, NameObject("/XYZ"), NullObject(), FloatObject(place.top or 0), NullObject()]
        places[f"{address}#{name.removeprefix('/')}"] = spot
    return {link: ArrayObject(place) for link, place in places.items()}


def link_inside(sheet, address, places):
    """Let a sheet's links to pages of the book, its own included, lead to their place in the PDF.

    A link to any other file of this machine goes: it would lead a reader nowhere.
    """
    kept = ArrayObject()
    for reference in sheet.get("/Annots", ()):
        link = reference.get_object()
        named = str(link.get("/Dest", "")).removeprefix("/")
        wanted = f"{address}#{named}" if named else str(link.get("/A", {}).get("/URI", ""))
        if place := places.get(wanted) or places.get(wanted.partition("#")[0]):
            link.pop("/A", None)
            link[NameObject("/Dest")] = place
        elif wanted.startswith("file:"):
            continue
        kept.append(reference)
    sheet[NameObject("/Annots")] = kept


def book_pdf(browser, html):
    """A PdfWriter with every page of the book in the folder `html`, and an outline of parts and chapters."""
    context = browser.new_context(reduced_motion="reduce", color_scheme="light")
    context.add_init_script("for (const key of ['mode', 'theme']) localStorage.setItem(key, 'light')")
    context.route(WIDGETS, lambda route: route.fulfill(body=""))  # so the stored pictures stay
    page = context.new_page()
    writer, parts, places, origin = PdfWriter(), {}, {}, []
    for part, name in chapters():
        file, first = html / f"{name}.html", len(writer.pages)
        reader = PdfReader(io.BytesIO(print_page(page, file, first + 1)))
        writer.append(reader, import_outline=False)
        places |= places_in(reader, first, file.as_uri(), writer)
        origin += [file.as_uri()] * len(reader.pages)
        if part and part not in parts:
            parts[part] = writer.add_outline_item(title=part, page_number=first, bold=True)
        writer.add_outline_item(title=title_of(page), page_number=first, parent=parts.get(part))
    context.close()
    for sheet, address in zip(writer.pages, origin, strict=True):
        link_inside(sheet, address, places)
    writer.add_metadata({"/Title": "Reading AlexNet"})
    writer.compress_identical_objects()
    return writer


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--html", type=Path, default=ROOT / "_build" / "html")
    parser.add_argument("--out", type=Path, default=ROOT / "_build" / "reading-alexnet.pdf")
    arguments = parser.parse_args()
    named = [os.environ.get("ALEXNET_CHROMIUM"), *map(shutil.which, CHROMIUM_NAMES)]
    with sync_playwright() as playwright:
        # None means Playwright's own, if it has been installed.
        program = next(filter(None, named), None)
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        writer = book_pdf(browser, arguments.html.resolve())
        browser.close()
    writer.write(arguments.out)
    print(f"{arguments.out}: {len(writer.pages)} pages, {arguments.out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
