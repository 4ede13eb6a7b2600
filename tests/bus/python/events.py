"""Server-Sent Events by the library `httpx-sse`: events.py URL [LAST_EVENT_ID]

Prints each event as {"event", "id", "data"}; the last line says that they ended.
"""
import json
import sys

import httpx
from httpx_sse import connect_sse

url, last = sys.argv[1], sys.argv[2:]
headers = {"Last-Event-ID": last[0]} if last else {}
with httpx.Client(timeout=60) as client, connect_sse(client, "GET", url, headers=headers) as source:
    try:
        for event in source.iter_sse():
            print(json.dumps({"event": event.event, "id": event.id, "data": event.data}), flush=True)
        print("ended", flush=True)
    except httpx.TransportError as error:
        print("cut", error, flush=True)
