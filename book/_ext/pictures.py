"""Sphinx extension: a page's pictures come when its reader comes near them, the first one at once.

Each tells its size, so that nothing moves when it comes. Without JavaScript, and on paper, browsers load all.
"""

import re
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util.images import get_image_size

PICTURE = re.compile(r'(<img [^>]*?)src="((?:\.\./)*_images/([^"]+))"')


def load_late(app: Sphinx, _pagename: str, _template: str, context: dict, _doctree) -> None:
    if "_images/" not in context.get("body", ""):
        return
    files = {name: Path(app.srcdir, path) for path, name in app.builder.images.items()}
    first = True

    def told(found: re.Match) -> str:
        nonlocal first
        begin, source, name = found.groups()
        if size := get_image_size(str(files[name])) if "width=" not in begin else None:
            begin += 'width="{}" height="{}" '.format(*size)
        if not first:
            begin += 'loading="lazy" '
        first = False
        return f'{begin}src="{source}"'

    context["body"] = PICTURE.sub(told, context["body"])


def setup(app: Sphinx) -> dict:
    app.connect("html-page-context", load_late)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
