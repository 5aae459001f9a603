"""A client that does nothing but send bodies that are ready, on connections kept alive: what exports are measured by.

`python -m roster_pipeline_tests.grades.bare_client PLAN ENDPOINT_URL TOKEN_URL CLIENT_ID CONNECTIONS`, the secret in
SIS_SECRET, tells as JSON how many PUTs per second it came to. All bodies are in memory before the clock starts.
"""

import http.client
import json
import os
import queue
import sys
import threading
import time
from urllib.parse import urlsplit

import duckdb
import requests


def main(plan: str, endpoint_url: str, token_url: str, client_id: str, connections: str) -> None:
    form = {"grant_type": "client_credentials"}
    token = requests.post(token_url, form, auth=(client_id, os.environ["SIS_SECRET"]), timeout=30).json()
    headers = {"Authorization": f"Bearer {token['access_token']}", "Content-Type": "application/json"}
    address = urlsplit(endpoint_url)
    with duckdb.connect() as database:
        rows = database.execute("SELECT kind, sourced_id, body FROM read_parquet($plan)", {"plan": plan}).fetchall()
    bodies: dict[str, queue.SimpleQueue[tuple[str, bytes]]] = {}
    for collection, kind in (("lineItems", "line_item"), ("results", "result")):
        bodies[kind] = queue.SimpleQueue()
        for of_kind, sourced_id, body in rows:
            if of_kind == kind:
                bodies[kind].put((f"{address.path}/{collection}/{sourced_id}", body.encode()))

    def send(waiting: queue.SimpleQueue[tuple[str, bytes]]) -> None:
        connection = http.client.HTTPConnection(address.netloc)
        while True:
            try:
                path, body = waiting.get_nowait()
            except queue.Empty:
                connection.close()
                return
            connection.request("PUT", path, body, headers)
            answer = connection.getresponse()
            answer.read()
            assert answer.status in {200, 201}

    started, cpu_started = time.monotonic(), time.process_time()
    for waiting in bodies.values():
        threads = [threading.Thread(target=send, args=[waiting]) for _ in range(int(connections))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    seconds, cpu_seconds = time.monotonic() - started, time.process_time() - cpu_started
    sys.stdout.write(json.dumps({"rate": len(rows) / seconds, "cpu_seconds": cpu_seconds}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
