"""Serving the page: on this machine alone unless asked, with nothing from the network and nothing left behind."""

from collections.abc import Callable
from pathlib import Path

from .page import AT_ONCE, WAITING, gradio
from .uploads import MOST_BYTES

CSS_FILE = Path(__file__).parent / "page.css"
# The browser itself refuses whatever is not from this page's own address.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; object-src 'none';"
    " form-action 'self'; base-uri 'self'"
)
HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)
HERE = "127.0.0.1"


class OwnAddressOnly:
    """ASGI middleware: each answer says that the page may load from its own address alone."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        async def with_headers(message):
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *HEADERS]
            await send(message)

        await self.app(scope, receive, with_headers)


def serve(
    page,
    *,
    host: str = HERE,
    port: int | None = None,
    open_browser: bool = False,
    wait: bool = True,
    tell: Callable[[str], None] | None = None,
) -> str:
    """Serves a page until it is stopped.

    Args:
        page: see `build_page`.
        host: address to listen at; "0.0.0.0" lets others in.
        port: to listen at; default a free one from 7860 on.
        open_browser: show it at once.
        tell: is handed the address as soon as the page is there.
        wait: until Ctrl-C. False returns at once, and `page.close()` ends it.

    Returns:
        The address of the page.

    Raises:
        OSError: the port is taken.
        ImportError: gradio is not installed.

    Example:
        >>> from hf_ecg.browser import build_page, serve
        >>> page = build_page("ecg-text-small", simulated=False)
        >>> serve(page, wait=False).startswith("http://127.0.0.1:")
        True
        >>> page.close(verbose=False)
    """
    gr = gradio()
    from starlette.middleware import Middleware

    font = {"font": ["system-ui", "sans-serif"], "font_mono": ["ui-monospace", "monospace"]}
    _, address, _ = page.queue(max_size=WAITING, default_concurrency_limit=AT_ONCE, api_open=False).launch(
        server_name=host,
        server_port=port,
        inbrowser=open_browser,
        prevent_thread_lock=True,
        share=False,
        quiet=True,
        show_error=False,
        max_file_size=MOST_BYTES,
        max_threads=4,
        theme=gr.themes.Base(**font),
        css_paths=CSS_FILE,
        footer_links=[],
        run_history=False,
        pwa=False,
        mcp_server=False,
        ssr_mode=False,
        enable_monitoring=False,
        app_kwargs={"middleware": [Middleware(OwnAddressOnly)], "docs_url": None, "redoc_url": None},
    )
    if tell is not None:
        tell(address)
    if wait:
        page.block_thread()
    return address
