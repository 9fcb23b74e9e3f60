"""A Chromium without a network, for the tests of pages."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.conftest import skip_or_fail

EXECUTABLE = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@dataclass
class Visit:
    """A page that was opened: what it asked for and what its console said."""

    page: Any
    requests: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)

    def colours(self, selector: str, *, without: str = "") -> dict[str, int]:
        """Return the colours an element shows, ``#rrggbb``, with their numbers of pixels.

        What lies over it and is named by ``without`` (a selector) is left out.
        """
        style = f"{without} {{ visibility: hidden !important; }}" if without else None
        picture = base64.b64encode(self.page.locator(selector).screenshot(style=style)).decode()
        return self.page.evaluate(_COUNT, picture)

    def webp(self) -> bytes:
        """Return a picture of the page, as small as its lines stay sharp."""
        picture = base64.b64encode(self.page.screenshot()).decode()
        return base64.b64decode(self.page.evaluate(_WEBP, picture))


_WEBP = """async picture => {
  const image = new Image();
  image.src = 'data:image/png;base64,' + picture;
  await image.decode();
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [image.width, image.height];
  canvas.getContext('2d').drawImage(image, 0, 0);
  return canvas.toDataURL('image/webp', 0.85).split(',')[1];
}"""


# The browser itself reads the picture: nothing else here decodes PNG.
_COUNT = """async picture => {
  const image = new Image();
  image.src = 'data:image/png;base64,' + picture;
  await image.decode();
  const canvas = new OffscreenCanvas(image.width, image.height), pen = canvas.getContext('2d');
  pen.drawImage(image, 0, 0);
  const counts = new Map(), seen = {};
  for (const one of new Uint32Array(pen.getImageData(0, 0, image.width, image.height).data.buffer)) {
    counts.set(one, (counts.get(one) ?? 0) + 1);
  }
  for (const [one, count] of counts) {
    const parts = [one & 255, (one >> 8) & 255, (one >> 16) & 255];
    seen['#' + parts.map(part => part.toString(16).padStart(2, '0')).join('')] = count;
  }
  return seen;
}"""


@contextmanager
def visit(address: str, *, width: int = 1366, height: int = 768) -> Iterator[Visit]:
    """Open an address in a browser of its own; see `another`."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        skip_or_fail("chromium", "playwright is not installed")
    if not EXECUTABLE.exists():
        skip_or_fail("chromium", f"no Chromium at {EXECUTABLE}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=EXECUTABLE, args=ARGUMENTS)
        try:
            yield another(browser, address, width=width, height=height)
        finally:
            browser.close()


def another(browser: Any, address: str, *, width: int, height: int) -> Visit:
    """Open an address in a browser with every request beyond the address's own host refused."""
    own = address.split("/", 3)[:3]
    # Nothing slides or fades: the pictures between are slow to draw, and no test looks at them.
    page = browser.new_page(viewport={"width": width, "height": height}, reduced_motion="reduce")
    seen = Visit(page)

    def answer(route: Any) -> None:
        seen.requests.append(route.request.url)
        if route.request.url.split("/", 3)[:3] == own or route.request.url.startswith("data:"):
            route.continue_()
        else:
            route.abort()

    page.route("**/*", answer)
    page.on("console", lambda message: seen.console.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: seen.console.append(f"error: {error}"))
    page.goto(address)
    return seen
