"""Replacing the master key while everything goes on.

Two phases: first every process can open what the new key seals, and only then anyone seals with it. What is done lies
in files and is found there again, so a rotation that was killed at any moment is finished by starting it once more:

    master.key.next is made          everybody is told: all can open
    the journal's keys vouch for each other
    master.key is replaced           everybody is told: all seal with the new one
    every stored record is sealed anew
    master.key.next is removed       the rotation is over; the earlier key stays until it is retired
"""

from __future__ import annotations

import fcntl
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sqlalchemy.engine import Engine

from toolgate.audit.checkpoints import FILE, CheckpointFile, KeyChange, KeyReason, public_text, read_checkpoints
from toolgate.errors import ToolgateError
from toolgate.keyfiles import KeyFiles
from toolgate.keys import Key, MasterKey
from toolgate.store.changes import announce
from toolgate.store.database import latest_change, writing
from toolgate.store.errors import Busy, Conflict, NotStored
from toolgate.store.keyholders import tell_holders
from toolgate.store.sealed import Resealed, census, reseal

REMEMBERED: Final = 7 * 86_400.0
"""Seconds after which clients hold no session ids any more that an earlier key sealed."""

_READ_WITHIN: Final = 2.0


class NotConfirmed(Busy):
    """A process of this machine did not say in time that it holds the keys; nothing is lost, and it can be repeated."""


@dataclass(slots=True, frozen=True)
class Held:
    """One key: `use` is `current`, `coming` or `earlier`; `records` counts what it seals, by column.

    `since` is when it was put in use (seconds since 1970), None where the journal does not say: of the first key.
    """

    id: str
    use: str
    records: dict[str, int]
    since: float | None
    replaced: float | None


@dataclass(slots=True)
class Rotated:
    """What a rotation did."""

    old: str
    new: str
    records: dict[str, Resealed] = field(default_factory=dict)


@dataclass(slots=True, frozen=True)
class Ring:
    """The keys of one installation, as the operator turns them."""

    data: Path
    engine: Engine
    actor: str
    wait: float
    """Seconds that the processes of this machine have to confirm a step."""
    said: Callable[[str], None]
    """Is told of each step when it is done."""

    def show(self) -> list[Held]:
        """Every key, the one in use first."""
        master, found = MasterKey.load(self.data), census(self.data)
        began = {said.public_key: said.time for said in self._statements("introduces")}
        ended = {said.public_key: said.time for said in self._statements("succeeds")}
        files = KeyFiles.of(self.data)
        coming = files.read().coming
        shown = []
        for key in master.ring:
            public = public_text(key.signer().public_key())
            use = "current" if key.id == master.id else "earlier"
            if coming is not None and key.id == Key(coming).id != master.id:
                use = "coming"
            shown.append(Held(key.id, use, _records(found, key.id), began.get(public), ended.get(public)))
        return shown

    def rotate(self) -> Rotated:
        """Begin a rotation, or finish the one that was begun. Raises ToolgateError, NotConfirmed."""
        with _alone(self.data):
            return self._rotate(MasterKey.load(self.data))

    def _rotate(self, master: MasterKey) -> Rotated:
        files = KeyFiles.of(self.data)
        files.introduce()
        master.reload()
        coming = Key(files.read().coming or b"")
        if coming.id != master.id:
            self._tell(master, "every process can open what the new key seals")
            self._vouch("introduces", master, coming)
            files.promote(master.id)
            master.reload()
            self.said(f"key {master.id} is in use")
        old = self._replaced(master)
        self._vouch("succeeds", master, old)
        self._tell(master, "every process seals with it")
        rotated = Rotated(old.id, master.id, self._reseal(master))
        with writing(self.engine, self.actor) as change:
            change.event("rotate", "keys", master.id, {"key": old.id}, {"key": master.id})
        files.finish()
        return rotated

    def _replaced(self, master: MasterKey) -> Key:
        """The key before the one in use: by what the journal says, or the only other one."""
        introducers = [it.key_id for it in self._statements("introduces") if it.names == master.id]
        found = [key for key in master.ring[1:] if not introducers or key.id == introducers[-1]]
        if not found:
            named = f"{KeyFiles.of(self.data).path}.{introducers[-1] if introducers else 'KEYID'}"
            raise Conflict("keys", "the key before the one in use is gone", f"restore {named} from its backup")
        return found[0]

    def retire(self, key_id: str, *, at_once: bool = False) -> None:
        """Delete an earlier key for good. Refused while anything stored needs it, or clients may hold sessions."""
        with _alone(self.data):
            self._retire(MasterKey.load(self.data), key_id, at_once)

    def _retire(self, master: MasterKey, key_id: str, at_once: bool) -> None:
        key = self._earlier(master, key_id)
        self._check_unused(key)
        if not at_once:
            self._check_old(key)
        self._vouch("retires", master, key)
        KeyFiles.of(self.data).forget(key.id)
        # A command that began before it may have stored something meanwhile: this process still holds the key.
        reseal(self.data, master)
        with writing(self.engine, self.actor) as change:
            change.event("retire", "keys", key.id, {"key": key.id})
        self._tell(MasterKey.load(self.data), f"every process forgot key {key.id}")

    def ask(self) -> int:
        """How many processes hold exactly these keys now. Raises NotConfirmed where one does not."""
        return self._confirmed(MasterKey.load(self.data))

    def _earlier(self, master: MasterKey, key_id: str) -> Key:
        if KeyFiles.of(self.data).coming.exists():
            raise Conflict("keys", "a rotation is under way", "finish it with `toolgate keys rotate`")
        found = [key for key in master.ring[1:] if key.id.startswith(key_id)]
        if len(found) == 1:
            return found[0]
        cause = "several earlier keys begin like this" if found else f"no earlier key begins with `{key_id}`"
        raise NotStored("key", cause, "`toolgate keys show` names them")

    def _check_unused(self, key: Key) -> None:
        records = _records(census(self.data), key.id)
        if records:
            held = ", ".join(f"{number} in {name}" for name, number in sorted(records.items()))
            mend = "`toolgate keys rotate` seals them anew; set the credentials again that it calls broken"
            raise Conflict("key", f"`{key.id}` still seals records: {held}", mend)

    def _check_old(self, key: Key) -> None:
        public = public_text(key.signer().public_key())
        replaced = max((it.time for it in self._statements("succeeds") if it.public_key == public), default=0.0)
        left = replaced + REMEMBERED - time.time()
        if left > 0:
            days = f"{left / 86_400:.1f} days"
            cause = f"`{key.id}` was in use until a short time ago: clients hold sessions that it sealed"
            raise Conflict("key", cause, f"retire it in {days}, or with --now: those clients initialize anew")

    def _vouch(self, reason: KeyReason, master: MasterKey, other: Key) -> None:
        """Sign, with the key in use, what becomes of the other one as a signer of the journal; once."""
        public = public_text(other.signer().public_key())
        if any(it.names == other.id and it.key_id == master.id for it in self._statements(reason)):
            return
        journal = self.data / "journal"
        journal.mkdir(mode=0o700, exist_ok=True)
        change = KeyChange(prev="", reason=reason, names=other.id, public_key=public, time=time.time(), key_id="")
        try:
            CheckpointFile(journal, master.signer(), master.id).state(change)
        except OSError as error:
            raise ToolgateError(
                str(journal), f"cannot be written: {error.strerror}", "free space on the disk"
            ) from error

    def _statements(self, reason: KeyReason) -> list[KeyChange]:
        lines = read_checkpoints(self.data / "journal" / FILE)
        found = (line.statement for line in lines)
        return [it for it in found if isinstance(it, KeyChange) and it.reason == reason]

    def _reseal(self, master: MasterKey) -> dict[str, Resealed]:
        records = reseal(self.data, master)
        announce(self.data, latest_change(self.engine), _READ_WITHIN)
        self.said(f"{sum(it.done for it in records.values())} records are sealed with it")
        return records

    def _tell(self, master: MasterKey, done: str) -> None:
        self.said(f"{done} (processes: {self._confirmed(master)})")

    def _confirmed(self, master: MasterKey) -> int:
        confirmed = tell_holders(self.data, master, self.wait)
        if not confirmed.complete:
            silent = ", ".join(str(process) for process in confirmed.silent)
            cause = f"process {silent} did not confirm within {self.wait:g} s that it holds the keys"
            mend = "see its log, end it if it hangs, and repeat the command: it goes on where it stopped"
            raise NotConfirmed("keys", cause, mend)
        return confirmed.processes


@contextmanager
def _alone(data: Path) -> Iterator[None]:
    """One rotation at a time. The lock ends with its process, however that ends."""
    descriptor = os.open(data / "keys.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise Busy("keys", "another process is turning the keys", "try again when it has ended") from None
    finally:
        os.close(descriptor)


def _records(found: dict[str, Counter[str]], key_id: str) -> dict[str, int]:
    return {name: count[key_id] for name, count in found.items() if count[key_id]}
