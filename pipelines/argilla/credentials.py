"""Who may use the embedded Argilla: made once, kept in a file that only its owner can read."""

import contextlib
import json
import os
import secrets
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from pipelines.errors import TamisError, writing


@dataclass(frozen=True)
class Account:
    """One user of Argilla."""

    username: str
    password: str = field(repr=False)
    api_key: str = field(repr=False)


@dataclass(frozen=True)
class Credentials:
    """`owner` may do everything, `annotator` labels; `secret` signs the page's sessions; `shown`: on a terminal."""

    owner: Account
    annotator: Account
    secret: str = field(repr=False)
    shown: bool = False


def ensure(path: Path) -> Credentials:
    """Those in the file; new ones, where there is none. TamisError if it cannot be read or written."""
    if not path.exists():
        made = Credentials(_account("owner"), _account("annotator"), secrets.token_urlsafe(32))
        _write(path, made)
        return made
    return read(path)


def read(path: Path) -> Credentials:
    """Those in the file. TamisError if it cannot be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        owner, annotator = (Account(**found[name]) for name in ("owner", "annotator"))
        return Credentials(owner, annotator, str(found["secret"]), bool(found["shown"]))
    except (ValueError, KeyError, TypeError) as error:
        cure = "Delete it: new passwords are made at the next start."
        raise TamisError(f"is damaged: {error}", where=str(path), cure=cure) from error


def note_shown(path: Path) -> None:
    """The password has been told."""
    _write(path, replace(read(path), shown=True))


def _account(username: str) -> Account:
    return Account(username, secrets.token_urlsafe(12), secrets.token_urlsafe(32))


def _write(path: Path, credentials: Credentials) -> None:
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with os.fdopen(
                os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
            ) as file:
                json.dump(asdict(credentials), file, indent=1)
            scratch.replace(path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                scratch.unlink()
