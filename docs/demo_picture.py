"""The picture of docs/how_to/demo.md: python docs/demo_picture.py RECORD.hea [FILE.png]

RECORD is records500/00000/00001_hr of PTB-XL. Needs playwright, Pillow and Chromium, whose path CHROMIUM may say.
"""

import io
import os
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from hf_ecg.browser import build_page, serve

WIDTH, SCALE, COLOURS, PATIENCE_MS = 960, 0.75, 64, 600_000


def screenshot(record: Path) -> bytes:
    """The whole page as PNG, with an answer explained."""
    page = build_page("ecg-text-small")
    address = serve(page, wait=False)
    with sync_playwright() as tools:
        chromium = os.environ.get("CHROMIUM", "/usr/bin/chromium")
        browser = tools.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        tab = browser.new_page(viewport={"width": WIDTH, "height": 900}, device_scale_factor=SCALE)
        tab.set_default_timeout(PATIENCE_MS)
        tab.goto(address)
        tab.set_input_files("#drop input[type=file]", [str(record), str(record.with_suffix(".dat"))])
        for shown in ("#paper img", "#answers .answer", "#nearest img"):
            tab.wait_for_selector(shown)
        tab.click("#explain")
        tab.wait_for_selector("#why img")
        taken = tab.screenshot(full_page=True)
        browser.close()
    page.close(verbose=False)
    return taken


def main(record: Path, file: Path) -> None:
    """Writes it with few colours: a fifth of the size."""
    picture = Image.open(io.BytesIO(screenshot(record))).convert("RGB")
    picture.quantize(COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(file, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) > 2 else Path(__file__).parent / "how_to" / "demo.png"))
