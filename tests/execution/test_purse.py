"""Requests that several processes take from one purse are taken once."""

import os
import subprocess
import sys

from stepeval.execution.purse import OwnPurse, SharedPurse

TAKE = """
import sys
from stepeval.execution.purse import SharedPurse
purse = SharedPurse(int(sys.argv[1]))
sys.stdin.read(1)
print(sum(iter(purse.take, False)))
"""


def taken(purse: OwnPurse | SharedPurse) -> int:
    return sum(iter(purse.take, False))


def test_a_purse_gives_what_it_holds() -> None:
    assert taken(OwnPurse(3)) == 3
    purse = SharedPurse.make()
    assert not purse.take()
    purse.fill(5)
    assert taken(purse) == 5
    purse.fill(2)
    assert taken(purse) == 2
    os.close(purse.file)


def test_what_one_process_took_no_other_takes() -> None:
    purse = SharedPurse.make()
    purse.fill(20_000)
    several = [
        subprocess.Popen(
            [sys.executable, "-c", TAKE, str(purse.file)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=[purse.file], text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    for process in several:
        assert process.stdin is not None
        process.stdin.write("x")
        process.stdin.flush()
    counts = [int(process.communicate()[0]) for process in several]
    os.close(purse.file)
    assert sum(counts) == 20_000
