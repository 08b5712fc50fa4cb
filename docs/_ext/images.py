"""The pictures of the site."""

from io import BytesIO
from pathlib import Path

from docutils import nodes
from PIL import Image
from sphinx.application import Sphinx

WIDTH = 760  # of the pictures that notebooks draw; the files in figures/ are finer
COLOURS = 128  # more than a figure of lines and letters needs


def size_images(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Every image with its width and height, so that the page keeps its layout while it loads.

    All but the first are loaded as the reader comes near.
    """
    for place, image in enumerate(doctree.findall(nodes.image)):
        with Image.open(Path(app.srcdir) / image["uri"]) as picture:
            width, height = picture.size
        shown = min(width, WIDTH)
        image["width"], image["height"] = str(shown), str(round(height * shown / width))
        if place > 0:
            image["loading"] = "lazy"


def lightened(png: bytes) -> bytes:
    """A picture with a palette, a third of the bytes; one that has a palette as it is."""
    with Image.open(BytesIO(png)) as picture:
        if picture.mode == "P":
            return png
        few = picture.convert("RGB").quantize(COLOURS)
    file = BytesIO()
    few.save(file, "png", optimize=True)
    return file.getvalue()


def lighten(app: Sphinx, error: Exception | None) -> None:
    """The site's copies of the pictures."""
    for path in Path(app.outdir, "_images").glob("*.png"):
        path.write_bytes(lightened(path.read_bytes()))


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect them."""
    app.connect("doctree-resolved", size_images)
    app.connect("build-finished", lighten)
    return {"parallel_read_safe": True}
