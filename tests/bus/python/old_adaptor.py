"""thingsbus 0.2.1's adaptor: old_adaptor.py INPUT_URL NAMESPACE DOCUMENTATION_URL

Each line of standard input is the JSON of what is given to send(): {"data": ..., "ns": ..., "ts": ...}.
"""
import json
import sys

from thingsbus import adaptor

adapt = adaptor.Adaptor(sys.argv[2], sys.argv[3], broker_input_url=sys.argv[1])
for line in sys.stdin:
    adapt.send(**json.loads(line))
