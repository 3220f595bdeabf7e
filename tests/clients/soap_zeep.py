"""Drives zeep, a SOAP client that knows a service by its WSDL alone.

Reads one JSON object: {"wsdl": URL, "user": ..., "password": ..., "calls": [{"port": ..., "operation": ...,
"arguments": "an object as JSON, whose
order counts"}]}. Writes {"ports": [...], "results": [{"value": ...} or {"fault": {...}}]}. It judges nothing.
"""

import json
import sys

import requests
from lxml import etree
from zeep import Client
from zeep.exceptions import Fault
from zeep.helpers import serialize_object
from zeep.transports import Transport


def tree(element):
    """An element of a fault's detail as nested objects. What zeep takes for no fault it gives as bytes."""
    if isinstance(element, bytes):
        return element.decode()
    children = list(element)
    if not children:
        return element.text
    found = {}
    for child in children:
        found.setdefault(etree.QName(child).localname, []).append(tree(child))
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def call(client, service, one):
    operation = client.bind(service, one["port"])[one["operation"]]
    try:
        value = operation(**json.loads(one["arguments"]))
    except Fault as fault:
        detail = None if fault.detail is None else tree(fault.detail)
        return {"fault": {"code": fault.code, "message": fault.message, "detail": detail}}
    return {"value": serialize_object(value, dict)}


def main():
    wanted = json.load(sys.stdin)
    session = requests.Session()
    session.auth = (wanted["user"], wanted["password"])
    client = Client(wanted["wsdl"], transport=Transport(session=session, operation_timeout=20))
    service = next(iter(client.wsdl.services.values()))
    results = [call(client, service.name, one) for one in wanted["calls"]]
    json.dump({"ports": sorted(service.ports), "results": results}, sys.stdout, default=str)


main()
