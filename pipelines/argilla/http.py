"""What is asked of an Argilla before its client is used: whether it answers, and whom it knows."""

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, Final

from pipelines.errors import TamisError

_SECONDS: Final = 15.0


_DIRECT: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_AS_SET: Final = urllib.request.build_opener()


def _opener(url: str) -> urllib.request.OpenerDirector:
    """No proxy is asked for what is on this machine, whatever the environment says."""
    return _DIRECT if urllib.parse.urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1") else _AS_SET


def is_up(url: str, seconds: float = 2.0) -> bool:
    """Whether an Argilla answers there now."""
    try:
        with _opener(url).open(f"{url.rstrip('/')}/api/v1/version", timeout=seconds) as answer:
            return bool(answer.status == 200)
    except (OSError, http.client.HTTPException):
        return False


def user(url: str, api_key: str) -> str:
    """The name of the user whose key it is. TamisError where there is no answer, or not to this key."""
    request = urllib.request.Request(f"{url.rstrip('/')}/api/v1/me", headers={"X-Argilla-Api-Key": api_key})
    try:
        with _opener(url).open(request, timeout=_SECONDS) as answer:
            found: dict[str, Any] = json.load(answer)
            return str(found["username"])
    except urllib.error.HTTPError as error:
        refused = error.code in (401, 403)
        raise TamisError(
            "refuses the key" if refused else f"answers with the status {error.code}",
            where=f"Argilla at {url}",
            cure="Set ARGILLA_API_KEY to a key of it." if refused else "Look at that server's log, then run again.",
        ) from error
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
        raise TamisError(
            f"does not answer as Argilla ({error})",
            where=f"Argilla at {url}",
            cure="Check ARGILLA_API_URL and that the server runs, or leave it out to use the embedded one.",
        ) from error
