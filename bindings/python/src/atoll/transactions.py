"""Blocks of code that write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._bridge import native
from .events import Request

if TYPE_CHECKING:
    from .realm import Realm


class WriteTransaction:
    """What ``realm.write()`` gives: commits at the end of the block, rolls back when the block raises. Since: 0.1"""

    def __init__(self, realm: "Realm") -> None:
        self._realm = realm

    def __enter__(self) -> "Realm":
        self._realm.begin_write()
        return self._realm

    def __exit__(self, kind: Any, *_: object) -> None:
        if not self._realm.is_in_transaction:
            return  # ended inside the block
        if kind is None:
            try:
                self._realm.commit()
            except BaseException:
                if self._realm.is_in_transaction:
                    self._realm.rollback()
                raise
        else:
            self._realm.rollback()


class AsyncWriteTransaction:
    """What ``realm.write_async()`` gives: neither the turn to write nor the disk holds up the loop. Since: 0.1"""

    def __init__(self, realm: "Realm") -> None:
        self._realm = realm

    async def __aenter__(self) -> "Realm":
        await self._realm._turns.acquire()  # one task after the other: an instance has one transaction
        try:
            await self._begin()
        except BaseException:
            self._realm._turns.release()
            raise
        return self._realm

    async def _begin(self) -> None:
        pointer = self._realm._pointer()
        turn: Request[None] = Request(
            lambda queue: native.atoll_realm_begin_async(pointer, queue), lambda event: None, "the turn to write"
        )
        try:
            await turn
            self._realm.begin_write()
        except BaseException:  # also a cancelled task: nobody else would give the turn back
            native.atoll_realm_cancel_begin(pointer, turn._registration)
            raise

    async def __aexit__(self, kind: Any, *_: object) -> None:
        try:
            await self._end(kind)
        finally:
            self._realm._turns.release()

    async def _end(self, kind: Any) -> None:
        if not self._realm.is_in_transaction:
            return  # ended inside the block
        if kind is not None:
            self._realm.rollback()
            return
        pointer = self._realm._pointer()
        try:
            durable: Request[None] = Request(
                lambda queue: native.atoll_realm_commit_async(pointer, queue), lambda event: None, "the commit"
            )
        except BaseException:
            if self._realm.is_in_transaction:
                self._realm.rollback()
            raise
        self._realm._drain()
        await durable
