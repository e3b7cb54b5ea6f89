"""The text in the body of a chat completion, whatever a server sends in its place."""

import json

from .asking import UnusableAnswer

# Parts of a message that are its text; thoughts, refusals and calls of tools are not.
_TEXTS = (None, "text", "output_text")


class NoCompletion(ValueError):
    """A body that no language model sent: a page of a proxy, an error in the place of an answer, nothing."""

    def __init__(self, what: str, body: bytes):
        super().__init__(what)
        self.body = body.decode("utf-8", "replace")


def completion_text(body: bytes) -> str:
    """The first choice's text.

    null is an empty text (a tool was called, or a filter took all of it). A list of parts, as some servers send it,
    is not text; the error holds the texts of its parts, joined.

    Raises:
        NoCompletion: the body is not a JSON object, or one that tells an error and no choices.
        UnusableAnswer: it is a completion, but without a text.
    """
    try:
        content = json.loads(body)
    except RecursionError:
        raise UnusableAnswer("JSON nested deeper than can be read") from None
    except ValueError:  # bytes that are not text and numbers of thousands of digits too
        if body.lstrip()[:1] == b"{":
            raise UnusableAnswer("JSON that cannot be read", again=True) from None
        raise NoCompletion("no JSON", body) from None
    if not isinstance(content, dict) or ("choices" not in content and content.get("error")):
        raise NoCompletion("no chat completion", body)
    choices = content.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    message = first.get("message") if isinstance(first, dict) else None
    if not isinstance(message, dict):
        raise UnusableAnswer("a completion without a message")
    return _text(message.get("content"))


def _text(content) -> str:
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise UnusableAnswer(f"a message whose content is of the type {type(content).__name__}")
    texts = [part.get("text") if isinstance(part, dict) and part.get("type") in _TEXTS else part for part in content]
    known = [text for text in texts if isinstance(text, str)]
    if content and not known:
        raise UnusableAnswer("a message whose content is a list without a text")
    raise UnusableAnswer("a message whose content is a list of parts", text="".join(known))
