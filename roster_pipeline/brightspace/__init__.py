"""D2L Brightspace, ignorant of OneRoster: Standard CSV bundles, API client, delivery, data sets."""
