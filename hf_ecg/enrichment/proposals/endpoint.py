"""Asks an OpenAI-compatible endpoint, such as a vLLM server."""

import asyncio
import os
import threading
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx2
from huggingface_hub import AsyncInferenceClient, set_async_client_factory
from huggingface_hub.errors import HfHubHTTPError

from .prompt import fill_prompt, load_prompt

API_KEY_VARIABLE = "HF_ECG_API_KEY"
_STARTING = threading.Lock()


class EndpointProposer:
    """Chat completions of an OpenAI-compatible endpoint, by `huggingface_hub.AsyncInferenceClient`.

    The asynchronous client, because a call of it can be ended: `timeout` is the limit of the whole call, also for an
    endpoint that sends a byte now and then, and the endpoint sees the connection close and may stop generating.

    Args:
        base_url: such as `http://localhost:8000/v1`.
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
        address = urlsplit(base_url)
        if address.scheme not in ("http", "https") or not address.hostname:
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
        self._base_url, self._model, self._api_key_variable = base_url, model, api_key_variable
        self._settings = {"max_tokens": max_tokens, "temperature": temperature, "seed": seed}
        self._loop: asyncio.AbstractEventLoop | None = None

    def answer(self, report: str) -> str:
        """The first choice's text; any number of threads may ask at the same time.

        Raises:
            TimeoutError: nothing whole came in time.
            ConnectionError: no connection, a broken one, a status of 408, 409, 425, 429 or 500 and above (with
                `retry_after` in seconds where the endpoint named a time), or a body that is not a chat completion.
            PermissionError, FileNotFoundError: status 401 or 403; 404.
            ValueError: any other status: the endpoint does not take this report.
        """
        with _STARTING:
            if self._loop is None:
                self._start()
        return asyncio.run_coroutine_threadsafe(self._ask(report), self._loop).result()

    def _start(self) -> None:
        # The Hub's own factory refuses every call under HF_HUB_OFFLINE, which clusters set that serve a model
        # themselves; it also follows redirects, and keeps no more than 100 connections.
        set_async_client_factory(lambda: httpx2.AsyncClient(timeout=None, limits=httpx2.Limits(max_connections=None)))
        self._key = os.environ.get(self._api_key_variable) or "EMPTY"
        self._client = AsyncInferenceClient(base_url=self._base_url, api_key=self._key)
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True, name="endpoint").start()

    async def _ask(self, report: str) -> str:
        messages = [{"role": "user", "content": fill_prompt(self.prompt, report)}]
        call = self._client.chat_completion(messages, model=self._model, **self._settings)
        try:
            completion = await asyncio.wait_for(call, self.timeout)
            return completion.choices[0].message.content or ""
        except TimeoutError as error:
            raise TimeoutError(f"no whole answer within {self.timeout:g} s") from error
        except HfHubHTTPError as error:
            raise self._error_of(error.response) from error
        except httpx2.HTTPError as error:
            raise ConnectionError(f"{type(error).__name__}: {error}") from error
        except (ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
            raise ConnectionError(f"the endpoint sent no chat completion ({type(error).__name__})") from error

    def _error_of(self, response) -> Exception:
        body = response.text[:300].replace(self._key, "***")  # some endpoints repeat the key they refuse
        said = f"status {response.status_code}: {body}"
        if response.status_code in (401, 403):
            return PermissionError(f"{said}. The key is read from ${self._api_key_variable}")
        if response.status_code == 404:
            return FileNotFoundError(f"{said}. Asked for the model {self._model!r}")
        if response.status_code in (408, 409, 425, 429) or response.status_code >= 500:
            error = ConnectionError(said)
            error.retry_after = retry_after_seconds(response.headers.get("Retry-After"))
            return error
        return ValueError(said)


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
    except (ValueError, TypeError):
        return None
