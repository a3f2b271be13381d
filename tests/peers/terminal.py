"""Drives a command at a terminal of the test's own, as a person would.

    terminal = Terminal(["docker", "run", "-it", "busybox"], rows=30, columns=100)
    terminal.expect(r"/ # ")
    terminal.send("stty size\n")
    terminal.resize(50, 120)
    status = terminal.wait()
"""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

LIMIT = 60


class Terminal:
    def __init__(self, command, rows=24, columns=80):
        self.seen = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            # The parent sets the size before the command can ask for it.
            sys.stdin.buffer.raw.read(1)
            os.execvp(command[0], command)
        self.set_size(rows, columns)
        os.write(self.fd, b"\n")

    def set_size(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, rows, columns):
        self.set_size(rows, columns)
        os.kill(self.pid, signal.SIGWINCH)

    def send(self, text):
        os.write(self.fd, text.encode())

    def read(self, limit):
        if not select.select([self.fd], [], [], limit)[0]:
            return False
        try:
            data = os.read(self.fd, 65536)
        except OSError:  # the other side has gone
            data = b""
        self.seen += data.decode(errors="replace").replace("\r", "")
        return bool(data)

    def expect(self, pattern):
        """Reads until `pattern` is there, and takes everything up to its end off what was seen."""
        deadline = time.monotonic() + LIMIT
        while True:
            found = re.search(pattern, self.seen)
            if found:
                self.seen = self.seen[found.end():]
                return found
            left = deadline - time.monotonic()
            if left <= 0 or not self.read(left):
                raise SystemExit(f"never came: {pattern!r}; the last was {self.seen[-400:]!r}")

    def wait(self):
        deadline = time.monotonic() + LIMIT
        while self.read(LIMIT):
            if time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
                raise SystemExit(f"does not end; the last was {self.seen[-400:]!r}")
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
