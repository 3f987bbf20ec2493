"""What a Hub's refusals mean to a user, and which of them pass by themselves."""

import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
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

from pipelines.errors import TamisError, is_full

T = TypeVar("T")

WAITS = (0.5, 1.0, 2.0, 4.0, 8.0)  # seconds before each further attempt
_LONGEST_WAIT = 60.0  # what a Hub may ask for before the run gives up instead
PASSING = {408, 429, 500, 502, 503, 504}
_CONNECTS = 3  # attempts at a Hub that cannot be connected to


class Absent(TamisError):  # noqa: N818 -- a finding that callers list, not a fault
    """A repository that the Hub of a folder does not have."""


class NoRevision(TamisError):  # noqa: N818 -- a finding where the Hub is that of a folder
    """A commit, branch or tag that a repository does not have."""


class Unreachable(TamisError):  # noqa: N818 -- named for what is wrong
    """A Hub that cannot be reached, or has no time: later it may."""


class Stopped(Exception):  # noqa: N818 -- ends the other downloads after a failure or Ctrl-C
    """What a thread raises whose work is no longer wanted."""


STOP: ContextVar[threading.Event | None] = ContextVar("STOP", default=None)
"""Set in a thread that is to stop talking to the Hub once the event is set."""


@dataclass(frozen=True)
class Place:
    """What an error names: `where` the repository and its Hub, `page` the address at which a user asks for access.

    `may_be_absent`: whether a repository that is not there is a finding (Absent) rather than a fault.
    """

    where: str
    page: str
    may_be_absent: bool


def patiently(call: Callable[[], T], place: Place) -> T:
    """Call until it succeeds; what passes (429, 5xx, a broken connection) is tried again a few times.

    Raises TamisError: Absent, or Unreachable for what may pass later; a full disk and a FileNotFoundError that is none
    of the Hub's pass through.
    """
    for tries, wait in enumerate((*WAITS, None), 1):
        try:
            return call()
        except (httpx2.HTTPError, OSError, EntryNotFoundError, HFValidationError) as error:
            if is_full(error) or _is_of_the_caller(error):
                raise
            cause = _cause(error)
            wait = _wait(cause, wait)
            if wait is None or (isinstance(cause, httpx2.ConnectError) and tries == _CONNECTS):
                raise explained(error, place) from error
            _pause(wait)
    raise AssertionError  # the last wait is None


def check_wanted() -> None:
    """Raise Stopped in a thread whose work is no longer wanted."""
    stop = STOP.get()
    if stop is not None and stop.is_set():
        raise Stopped


def _pause(seconds: float) -> None:
    stop = STOP.get()
    if stop is None:
        time.sleep(seconds)
    elif stop.wait(seconds):
        raise Stopped


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
        if error.response.status_code not in PASSING:
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


def explained(error: BaseException, place: Place) -> TamisError:
    """A client's error as one that names place and cure."""
    error = _cause(error)
    where = place.where
    if isinstance(error, GatedRepoError):
        cure = f"Accept its terms on {place.page}, then set HF_TOKEN to a token of that account."
        return TamisError("is gated: its owner asks for agreement first.", where=where, cure=cure)
    if isinstance(error, RepositoryNotFoundError):
        if error.response.status_code == 401:
            cure = f"Check its name; if it is private, set HF_TOKEN to a token that may read it ({place.page})."
            return TamisError("is not there, or is private.", where=where, cure=cure)
        kind = Absent if place.may_be_absent else TamisError
        return kind("is not there.", where=where, cure="Check its name, or leave the source out.")
    if isinstance(error, RevisionNotFoundError):
        return NoRevision("has no such revision (any more).", where=where, cure="Run again, or pin another revision.")
    if isinstance(error, EntryNotFoundError) and isinstance(error, HfHubHTTPError):
        return TamisError(f"a file is not there: {error.response.url}.", where=where, cure="Run again.")
    if isinstance(error, HfHubHTTPError):
        return _refused(error, place)
    if isinstance(error, HFValidationError):
        return TamisError("is not the name of a repository.", where=where, cure="Write it as organisation/name.")
    if isinstance(error, OfflineModeIsEnabled):
        return TamisError("the Hub libraries are set to work offline.", where=where, cure="Unset HF_HUB_OFFLINE.")
    if isinstance(error, (httpx2.TransportError, ConnectionError)):
        cure = "Check the network, the proxy (HTTPS_PROXY) and HF_ENDPOINT, then run again: what is there is kept."
        return Unreachable(f"the Hub cannot be reached ({error}).", where=where, cure=cure)
    return TamisError(f"{type(error).__name__}: {error}.", where=where, cure="Run again: what is there is kept.")


def _refused(error: HfHubHTTPError, place: Place) -> TamisError:
    status, where = error.response.status_code, place.where
    if status == 401:
        return TamisError("the Hub refuses the token.", where=where, cure="Set HF_TOKEN to a valid one, or unset it.")
    if status == 403:
        cure = f"Use a token that may read it (HF_TOKEN), or ask for access on {place.page}."
        return TamisError("the Hub forbids access to it.", where=where, cure=cure)
    if status == 429:
        cure = "Wait some minutes; with HF_TOKEN set, the Hub allows more requests."
        return Unreachable("the Hub's limit of requests is reached.", where=where, cure=cure)
    kind = Unreachable if status in PASSING else TamisError
    return kind(f"the Hub answers {status}.", where=where, cure="Run again later: what is there is kept.")
