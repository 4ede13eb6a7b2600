"""Makes a virtual environment where it is not there: make_environment.py FOLDER WHICH.

A lock on a file beside it makes parallel runs wait for the first; the system gives it back however that one ends.
"""
import fcntl
import os
import shutil
import subprocess
import sys

FOLDER = os.path.abspath(sys.argv[1])
PACKAGES = {
    # thingsbus 0.2.1, what it needs, and clients of the web door.
    "peers": [
        ["pyzmq==27.3.0", "msgpack<1", "six", "dnspython", "setuptools"],
        ["httpx==0.28.1", "httpx-sse==0.4.3", "websockets==15.0.1"],
        ["--no-deps", "zmqfan==0.8.0", "thingsbus==0.2.1"],
    ],
    # What tries the web door by its own description.
    "schemathesis": [["schemathesis==4.32.5"]],
}[sys.argv[2]]
COMMANDS = [[sys.executable, "-m", "venv", FOLDER]]
COMMANDS += [[FOLDER + "/bin/pip", "install", *packages] for packages in PACKAGES]
DONE = FOLDER + "/made-by"


def is_made():
    try:
        with open(DONE) as done:
            return done.read() == repr(COMMANDS)
    except OSError:
        return False


os.makedirs(os.path.dirname(FOLDER), exist_ok=True)
with open(FOLDER + ".lock", "w") as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    if not is_made():
        shutil.rmtree(FOLDER, ignore_errors=True)
        for command in COMMANDS:
            print("+", " ".join(command), flush=True)
            subprocess.run(command, check=True)
        with open(DONE, "w") as done:
            done.write(repr(COMMANDS))
