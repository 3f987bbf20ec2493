"""What a Hub's refusals mean to a user, and which of them pass by themselves."""

import errno
import time
from collections.abc import Callable
from typing import TypeVar

import httpx2
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils._http import parse_ratelimit_headers

from pipelines.errors import TamisError

T = TypeVar("T")

WAITS = (0.5, 1.0, 2.0, 4.0, 8.0)  # seconds before each further attempt
_LONGEST_WAIT = 60.0  # what a Hub may ask for before the run gives up instead
_PASSING = {408, 429, 500, 502, 503, 504}
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT}


class Absent(TamisError):  # noqa: N818 -- a finding that callers list, not a fault
    """A repository that the Hub does not have."""


def patiently(call: Callable[[], T], *, where: str, page: str) -> T:
    """Call until it succeeds; what passes (429, 5xx, a broken connection) is tried again a few times.

    `where` names the repository and the Hub, `page` the address at which a user asks for access. Raises TamisError,
    Absent for a repository that is not there; a full disk and a FileNotFoundError that is none of the Hub's pass
    through. A Hub that cannot be connected to is tried three times only.
    """
    for tries, wait in enumerate((*WAITS, None)):
        try:
            return call()
        except (httpx2.HTTPError, OSError, EntryNotFoundError, HFValidationError) as error:
            if is_full(error) or _is_of_the_caller(error):
                raise
            cause = _cause(error)
            wait = _wait(cause, wait)
            if wait is None or (isinstance(cause, httpx2.ConnectError) and tries == 2):
                raise explained(error, where=where, page=page) from error
            time.sleep(wait)
    raise AssertionError  # the last wait is None


def _cause(error: BaseException) -> BaseException:
    """A file's metadata that could not be had is reported as a file missing on disk; the cause says why."""
    return error.__cause__ if isinstance(error, LocalEntryNotFoundError) and error.__cause__ else error


def _is_of_the_caller(error: BaseException) -> bool:
    """`datasets` says with FileNotFoundError what it found, which is no fault of the Hub."""
    return isinstance(error, FileNotFoundError) and not isinstance(error, EntryNotFoundError)


def _wait(error: BaseException, default: float | None) -> float | None:
    """Seconds to wait before trying again; None where that is of no use."""
    if default is None or isinstance(error, (OfflineModeIsEnabled, LocalEntryNotFoundError)):
        return None
    if isinstance(error, HfHubHTTPError):
        if error.response.status_code not in _PASSING:
            return None
        asked = _asked_wait(error)
        if asked is None:
            return default
        return asked if asked <= _LONGEST_WAIT else None
    if isinstance(error, (httpx2.TransportError, ConnectionError)):
        return default
    # a download of another size than announced is an OSError without a number
    return default if type(error) is OSError and error.errno is None else None


def _asked_wait(error: HfHubHTTPError) -> float | None:
    headers = error.response.headers
    after = headers.get("retry-after", "")
    if after.isdigit():
        return float(after)
    limit = parse_ratelimit_headers(headers) if error.response.status_code == 429 else None
    return limit.reset_in_seconds + 1.0 if limit and limit.remaining == 0 else None


def explained(error: BaseException, *, where: str, page: str) -> TamisError:
    """A client's error as one that names place and cure."""
    error = _cause(error)
    if isinstance(error, GatedRepoError):
        cure = f"Accept its terms on {page}, then set HF_TOKEN to a token of that account."
        return TamisError("is gated: its owner asks for agreement first.", where=where, cure=cure)
    if isinstance(error, RepositoryNotFoundError):
        if error.response.status_code == 401:
            cure = f"Check its name; if it is private, set HF_TOKEN to a token that may read it ({page})."
            return TamisError("is not there, or is private.", where=where, cure=cure)
        return Absent("is not there.", where=where, cure="Check its name, or leave the source out.")
    if isinstance(error, RevisionNotFoundError):
        return TamisError("has no such revision (any more).", where=where, cure="Run again, or pin another revision.")
    if isinstance(error, EntryNotFoundError) and isinstance(error, HfHubHTTPError):
        return TamisError(f"a file is not there: {error.response.url}.", where=where, cure="Run again.")
    if isinstance(error, HfHubHTTPError):
        return _refused(error, where=where, page=page)
    if isinstance(error, HFValidationError):
        return TamisError("is not the name of a repository.", where=where, cure="Write it as organisation/name.")
    if isinstance(error, OfflineModeIsEnabled):
        return TamisError("the Hub libraries are set to work offline.", where=where, cure="Unset HF_HUB_OFFLINE.")
    if isinstance(error, (httpx2.TransportError, ConnectionError)):
        cure = "Check the network, the proxy (HTTPS_PROXY) and HF_ENDPOINT, then run again: what is there is kept."
        return TamisError(f"the Hub cannot be reached ({error}).", where=where, cure=cure)
    return TamisError(f"{type(error).__name__}: {error}.", where=where, cure="Run again: what is there is kept.")


def _refused(error: HfHubHTTPError, *, where: str, page: str) -> TamisError:
    status = error.response.status_code
    if status == 401:
        return TamisError("the Hub refuses the token.", where=where, cure="Set HF_TOKEN to a valid one, or unset it.")
    if status == 403:
        cure = f"Use a token that may read it (HF_TOKEN), or ask for access on {page}."
        return TamisError("the Hub forbids access to it.", where=where, cure=cure)
    if status == 429:
        cure = "Wait some minutes; with HF_TOKEN set, the Hub allows more requests."
        return TamisError("the Hub's limit of requests is reached.", where=where, cure=cure)
    again = f" {len(WAITS) + 1} times" if status in _PASSING else ""
    return TamisError(f"the Hub answered {status}{again}.", where=where, cure="Run again later: what is there is kept.")


def is_full(error: BaseException) -> bool:
    """Whether a disk or a quota is full."""
    return isinstance(error, OSError) and error.errno in _NO_SPACE
