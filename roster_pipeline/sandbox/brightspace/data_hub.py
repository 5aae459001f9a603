"""Operations on the data sets: which there are, their extracts, and the download."""

from starlette.responses import Response

from roster_pipeline.sandbox.brightspace.answers import Json, object_list_page, utc_text
from roster_pipeline.sandbox.brightspace.data_sets import DataSet, DataSets, Extract, Kind
from roster_pipeline.sandbox.brightspace.objects import missing
from roster_pipeline.sandbox.brightspace.operations import Call, Operations

_READ = "datasets:bds:read"
_EXTRACTS = "/datasets/bds/{schema}/plugins/{plugin}/extracts"
_KINDS: tuple[Kind, ...] = ("Full", "Differential")


def operations(data_sets: DataSets) -> Operations:
    """The operations over one tenant's data sets."""
    table = Operations()

    def extracts_of(call: Call) -> list[tuple[int, Extract]]:
        """With their places, newest first."""
        parameters = call.request.path_params
        return [
            (place, extract)
            for place, extract in reversed(list(enumerate(data_sets.extracts)))
            if extract.data_set.schema_id == parameters["schema"]
            and extract.data_set.id(extract.kind) == parameters["plugin"]
        ]

    @table.add("GET", "/datasets/bds", _READ)
    def available(call: Call) -> Json:
        return object_list_page(call.request, [_described(each) for each in data_sets.sets], call.settings.page_size)

    @table.add("GET", _EXTRACTS, _READ)
    def extracts(call: Call) -> Json:
        address = str(call.request.url.replace(query=""))
        rows = [_extract(extract, f"{address}/{place}") for place, extract in extracts_of(call)]
        return object_list_page(call.request, rows, call.settings.page_size)

    @table.add("GET", _EXTRACTS + "/{place:int}", _READ)
    def download(call: Call) -> Response:
        found = dict(extracts_of(call)).get(call.id("place"))
        if found is None:
            raise missing("there is no such extract")
        return Response(found.content, media_type="application/zip")

    _ = available, extracts, download
    return table


def _described(data_set: DataSet) -> Json:
    names = {"Full": data_set.name, "Differential": f"{data_set.name} Differential"}
    plugins = {kind: {"PluginId": data_set.id(kind), "Name": names[kind], "Description": ""} for kind in _KINDS}
    return {"SchemaId": data_set.schema_id, **plugins}


def _extract(extract: Extract, address: str) -> Json:
    return {
        "SchemaId": extract.data_set.schema_id,
        "PluginId": extract.data_set.id(extract.kind),
        "BdsType": extract.kind,
        "CreatedDate": utc_text(extract.created),
        "DownloadLink": address,
        "DownloadSize": len(extract.content),
        "Version": "9.0",
        "QueuedForProcessingDate": utc_text(extract.created),
    }
