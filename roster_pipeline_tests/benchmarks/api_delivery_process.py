"""One night's delivery over the API in a process of its own: prints its seconds, rows and peak memory as JSON."""

import json
import resource
import sys
import time
from pathlib import Path

from roster_pipeline.delivery.api_route import deliver_over_api
from roster_pipeline.home import Home
from roster_pipeline.settings import load_source
from roster_pipeline.warehouse.connection import Warehouse
from roster_pipeline_tests.pipeline import SOURCE, YEAR

#: A tenant takes 5,000 calls a minute, whoever sends them: here it is the client that is measured.
NO_LIMIT = 10**9


def main(home: Home, run_id: str) -> None:
    settings = load_source(home.sources, SOURCE).settings
    assert settings.brightspace is not None
    brightspace = settings.brightspace.model_copy(update={"calls_per_minute": NO_LIMIT})
    started = time.monotonic()
    delivered = deliver_over_api(
        Warehouse(home),
        home,
        SOURCE,
        YEAR,
        settings.model_copy(update={"brightspace": brightspace}),
        run_id,
    )
    seconds = time.monotonic() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    json.dump({"seconds": seconds, "rows": delivered.rows, "failed": delivered.refused, "peak": peak}, sys.stdout)


if __name__ == "__main__":
    main(Home(Path(sys.argv[1])), sys.argv[2])
