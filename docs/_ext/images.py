"""The pictures of the site."""

from pathlib import Path

from docutils import nodes
from PIL import Image
from sphinx.application import Sphinx


def size_images(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Every image with its width and height, so that the page keeps its layout while it loads."""
    for image in doctree.findall(nodes.image):
        with Image.open(Path(app.srcdir) / image["uri"]) as picture:
            width, height = picture.size
        shown = min(width, 760)  # what the notebooks draw, the files in figures/ being finer
        image["width"], image["height"] = str(shown), str(round(height * shown / width))


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect them."""
    app.connect("doctree-resolved", size_images)
    return {"parallel_read_safe": True}
