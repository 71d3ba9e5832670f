from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap

import pytest

CHILD = """
import signal, sys, time
signal.signal({number}, lambda *_: sys.exit(7))
print("ready", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda value: value.name)
def test_a_signal_ends_the_application_in_its_own_order_and_its_exit_code_is_kept(number: signal.Signals) -> None:
    """SIGINT is what a terminal sends to both, SIGTERM what a supervisor sends to the command alone."""
    parent = """
    import sys
    from wallpaper.cli.door import run
    sys.exit(run([sys.executable, "-c", sys.argv[1]]))
    """
    command = [sys.executable, "-c", textwrap.dedent(parent), CHILD.format(number=int(number))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        if number == signal.SIGINT:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        assert process.wait(timeout=30) == 7
