"""Open311 GeoReport v2: the manifest beside this file is the connector (see `aggregator.sdk.open311`)."""
