"""What source files of tests have in common."""

from typing import Any

#: A REST connection that nothing answers.
REST: dict[str, Any] = {
    "kind": "rest",
    "endpoint_url": "https://sis.example/ims/oneroster/v1p1",
    "auth": {
        "kind": "oauth2",
        "token_url": "https://sis.example/token",
        "client_id": "roster",
        "client_secret": "${SIS_SECRET}",
    },
}
