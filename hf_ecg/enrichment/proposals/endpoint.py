"""Asks an OpenAI-compatible endpoint, such as a vLLM server."""

import asyncio
import json
import os
import threading
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import SplitResult, urlsplit

import httpx2

from ...printable import one_line
from .asking import UnusableAnswer
from .bounded_body import TooLong, read_body
from .completion import NoCompletion, completion_text
from .hidden_key import without_key
from .prompt import fill_prompt, load_prompt

API_KEY_VARIABLE = "HF_ECG_API_KEY"
_MOST_OF_AN_ERROR = 32 << 10
_STARTING = threading.Lock()


class EndpointProposer:
    """Chat completions of an OpenAI-compatible endpoint.

    `timeout` is the limit of the whole call, also for an endpoint that sends a byte now and then; the endpoint sees
    the connection close and may stop generating. A redirect is not followed: the key would go with it. Of a body at
    most 2 MiB are read, unpacked. What the endpoint wrote stands in errors as one printable line, without the key or
    any part of it.

    Args:
        base_url: such as `http://localhost:8000/v1`; `/v1` and `/chat/completions` are added where they are missing.
        model: the name under which the endpoint serves it; part of the key of an answer, unlike the address.
        prompt: text with `{report}`; default: `waveform_features_v1`.
        api_key_variable: environment variable that holds the key. Without a key the word EMPTY is sent, as vLLM's
            documentation does: never the token of the Hub.
        timeout: seconds a call may take in all.
        max_tokens, temperature, seed: of the completion; part of the key of an answer.

    Raises:
        ValueError: an address that is not an http(s) URL, or holds a user name or password; no model.
    """

    cost = "call"

    def __init__(
        self,
        base_url: str,
        model: str,
        prompt: str | None = None,
        api_key_variable: str = API_KEY_VARIABLE,
        timeout: float = 120.0,
        max_tokens: int = 512,
        temperature: float = 0.0,
        seed: int = 0,
    ):
        try:
            address = urlsplit(base_url)
            url = httpx2.URL(_completions(address))
        except (httpx2.InvalidURL, ValueError, TypeError, AttributeError):
            address = url = None
        if url is None or url.scheme not in ("http", "https") or not url.host:
            raise ValueError(
                f"{base_url!r} is not the address of an endpoint, wanted one such as http://localhost:8000/v1"
            )
        if address.username is not None or address.password is not None:
            raise ValueError(
                f"the address of the endpoint holds a user name or password: put a key into ${api_key_variable}"
            )
        if not model:
            raise ValueError("an endpoint needs the name of a model; GET /v1/models lists those it serves")
        if not timeout > 0 or max_tokens < 1:
            raise ValueError(f"timeout {timeout} and max_tokens {max_tokens}, wanted both above 0")
        self.prompt = load_prompt() if prompt is None else prompt
        self.name = f"endpoint:{model} max_tokens={max_tokens} temperature={temperature:g} seed={seed}"
        self.timeout = timeout
        self._url, self._model, self._api_key_variable = url, model, api_key_variable
        self._settings = {"max_tokens": max_tokens, "temperature": temperature, "seed": seed}
        self._loop: asyncio.AbstractEventLoop | None = None

    def answer(self, report: str) -> str:
        """The first choice's text; any number of threads may ask at the same time.

        Raises:
            TimeoutError: nothing whole came in time.
            ConnectionError: no connection, a broken one, a status of 408, 409, 425, 429 or 500 and above (with
                `retry_after` in seconds where the endpoint named a time), or a body that no language model sent.
            PermissionError, FileNotFoundError: status 401 or 403, a key that no header takes; 404, a redirect.
            UnusableAnswer: a completion without a text.
            ValueError: any other status: the endpoint does not take this report.
        """
        with _STARTING:
            if self._loop is None:
                self._start()
        return asyncio.run_coroutine_threadsafe(self._ask(report), self._loop).result()

    def _start(self) -> None:
        self._key = os.environ.get(self._api_key_variable, "").strip()
        if not (self._key.isascii() and self._key.isprintable()):
            raise PermissionError(f"the key in ${self._api_key_variable} holds characters that no HTTP header takes")
        headers = {
            "Authorization": f"Bearer {self._key or 'EMPTY'}",
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
        }
        # as many connections as are asked for at once, where httpx2 would keep no more than 100
        limits = httpx2.Limits(max_connections=None)
        self._client = httpx2.AsyncClient(timeout=None, limits=limits, headers=headers, follow_redirects=False)
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True, name="endpoint").start()

    async def _ask(self, report: str) -> str:
        messages = [{"role": "user", "content": fill_prompt(self.prompt, report)}]
        question = json.dumps({"model": self._model, "messages": messages, **self._settings}).encode()
        try:
            return await asyncio.wait_for(self._call(question), self.timeout)
        except TimeoutError:
            raise TimeoutError(f"no whole answer within {self.timeout:g} s") from None
        except httpx2.HTTPError as error:
            # what it is made from may hold the key: the header, or the endpoint's own words
            raise ConnectionError(f"{type(error).__name__}: {self._said(str(error))}") from None

    async def _call(self, question: bytes) -> str:
        async with self._client.stream("POST", self._url, content=question) as response:
            if not response.is_success:
                raise self._error_of(response, await _beginning(response))
            try:
                return completion_text(await read_body(response))
            except TooLong as error:
                raise UnusableAnswer(str(error)) from None
            except NoCompletion as error:
                raise ConnectionError(f"the endpoint sent {error}: {self._said(error.body)}") from None
            except UnusableAnswer:
                raise
            except ValueError as error:
                raise ConnectionError(f"the endpoint sent {error}") from None

    def _error_of(self, response, body: bytes) -> Exception:
        said = f"status {response.status_code}: {self._said(body.decode('utf-8', 'replace'))}"
        if response.status_code in (401, 403):
            return PermissionError(f"{said}. The key is read from ${self._api_key_variable}")
        if response.status_code == 404:
            return FileNotFoundError(f"{said}. Asked for the model {self._model!r}")
        if 300 <= response.status_code < 400:
            place = self._said(response.headers.get("Location", "nowhere"))
            return FileNotFoundError(
                f"status {response.status_code}: the endpoint sends us on to {place}, where the key is not sent:"
                " give that as its address if it is right"
            )
        if response.status_code in (408, 409, 425, 429) or response.status_code >= 500:
            error = ConnectionError(said)
            error.retry_after = retry_after_seconds(response.headers.get("Retry-After"))
            return error
        return ValueError(said)

    def _said(self, text: str) -> str:
        # hidden first and cut afterwards: half a key would not be found
        return one_line(without_key(text, self._key))


async def _beginning(response) -> bytes:
    """The first bytes of the body of an error, as far as it can be read."""
    try:
        return await read_body(response, _MOST_OF_AN_ERROR)
    except TooLong as error:
        return error.beginning
    except ValueError as error:
        return f"({error})".encode()


def _completions(address: SplitResult) -> str:
    """The address of the chat completions, as `huggingface_hub.InferenceClient` makes it of the same `base_url`."""
    path = address.path.rstrip("/")
    for part in ("/v1", "/chat/completions"):
        path += "" if path.endswith((part, "/chat/completions")) else part
    return address._replace(path=path).geturl()


def retry_after_seconds(value: str | None) -> float | None:
    """Seconds that a Retry-After header asks for, a number or a date; None without one that can be read."""
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None
