"""The layers of the flow as Dagster assets, one module a layer, in flow order."""
