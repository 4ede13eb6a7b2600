"""thingsbus 0.2.1's client: old_client.py CLIENTS_URL NAMESPACE [snapshot] [tree]

Prints each event as it prints itself. A line with a namespace on standard input is answered by what the directory has
there: "get NAMESPACE DATA DOCUMENTATION_URL", DATA as JSON.
"""
import json
import sys
import threading

from thingsbus import client

url, namespace, flags = sys.argv[1], sys.argv[2], sys.argv[3:]


class Client(client.Client):
    def start(self):
        """Later: after the subscription, so that no event is missed in between."""


def show(event):
    print(repr(event), flush=True)


bus = Client(broker_url=url)
wanted = sum({"snapshot": client.F_SNAPSHOT, "tree": client.F_TREE}[flag] for flag in flags)
bus.directory.get_thing(namespace).subscribe(show, wanted)
threading.Thread.start(bus)

for line in sys.stdin:
    thing = bus.directory.get_thing(line.strip(), create_on_missing=False)
    data = thing and thing.get_data()
    print("get", line.strip(), json.dumps(data and data[1]), thing and thing.documentation_url, flush=True)
