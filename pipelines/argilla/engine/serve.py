"""Argilla's server with the embedded engine, in its own environment: the database brought up to date, then the page.

python -m pipelines.argilla.engine.serve --fd NUMBER --credentials FILE
"""

import argparse
import asyncio
import socket
import sqlite3
from pathlib import Path
from uuid import UUID

import uvicorn
from argilla_server import app
from argilla_server.cli.database.migrate import migrate_db
from argilla_server.cli.search_engine.reindex import Reindexer
from argilla_server.contexts import accounts
from argilla_server.database import AsyncSessionLocal, SyncSessionLocal, async_engine
from argilla_server.models import User, UserRole, Workspace
from argilla_server.settings import settings
from sqlalchemy import make_url, select

from pipelines.argilla import WORKSPACE
from pipelines.argilla.credentials import Account, read
from pipelines.argilla.engine.engine import SqliteSearchEngine, store
from pipelines.argilla.engine.orphan import end_with_parent

_GRACE = 3
"""Seconds that open requests get when the server is to end."""


def main() -> None:
    """Serve until told to end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--fd", type=int, required=True, help="a socket that listens")
    parser.add_argument("--credentials", type=Path, required=True)
    options = parser.parse_args()
    end_with_parent()
    _write_ahead()
    migrate_db("head")
    credentials = read(options.credentials)
    _account(credentials.owner, UserRole.owner)
    _account(credentials.annotator, UserRole.annotator)
    SyncSessionLocal.remove()
    asyncio.run(_catch_up())
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=_GRACE)
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=options.fd)])


def _write_ahead() -> None:
    """Let readers go on while one writes; the database remembers it. A response took 95 ms before and 61 after."""
    db = sqlite3.connect(str(make_url(settings.database_url).database))
    db.execute("PRAGMA journal_mode=WAL")
    db.close()


def _account(account: Account, role: UserRole) -> None:
    """The user as the file has it, and a member of the workspace; one that is there keeps what is theirs."""
    with SyncSessionLocal() as db:
        workspace = db.scalar(select(Workspace).filter_by(name=WORKSPACE)) or Workspace(name=WORKSPACE)
        user = db.scalar(select(User).filter_by(username=account.username))
        if user is None:
            user = User(first_name="", username=account.username, role=role, workspaces=[workspace])
            db.add(user)
        if user.api_key != account.api_key:
            user.api_key = account.api_key
            user.password_hash = accounts.hash_password(account.password)
        db.commit()


async def _catch_up() -> None:
    """Index what a killed server had stored and not indexed; everything, where the engine's file is gone."""
    engine = await SqliteSearchEngine.new_instance()
    for gone in store().surplus():
        store().drop(gone)
    async with AsyncSessionLocal() as db:
        for behind in store().behind():
            dataset = await Reindexer.reindex_dataset(db, engine, UUID(behind))
            done = 0
            async for records in Reindexer.reindex_dataset_records(db, engine, dataset):
                done += len(records)
                print(f"indexing {dataset.name}: {done} records", flush=True)  # who waits sees it live
    await async_engine.dispose()  # its connections belong to this event loop


if __name__ == "__main__":
    main()
