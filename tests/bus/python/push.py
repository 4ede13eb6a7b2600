"""A plain pyzmq PUSH: push.py URL COUNT. Sends COUNT updates at once, says so, and leaves when all are gone."""
import json
import sys

import zmq

socket = zmq.Context().socket(zmq.PUSH)
socket.sndhwm = 0
socket.connect(sys.argv[1])
for number in range(1, int(sys.argv[2]) + 1):
    socket.send_string(json.dumps({"type": "thing_update", "ns": "early.bird", "data": number}))
print("sent", flush=True)
socket.close(linger=30000)
socket.context.term()
