"""Operations on the data sets: which there are, their extracts, and the download."""

from starlette.responses import Response

from roster_pipeline.sandbox.brightspace.answers import Json, object_list_page, utc_text
from roster_pipeline.sandbox.brightspace.data_sets import DataSet, DataSets, Extract, Kind
from roster_pipeline.sandbox.brightspace.objects import missing
from roster_pipeline.sandbox.brightspace.operations import Call, Operations

_READ = "datasets:bds:read"
OLDER_READ = "datahub:dataexports:read"
OLDER_DOWNLOAD = "datahub:dataexports:download"
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

    @table.add("GET", "/dataExport/bds", OLDER_READ)
    def older_list(call: Call) -> Json:
        """The older list, one entry for each kind of a set, with names of its own for paging."""
        entries: list[tuple[DataSet, Kind]] = [(each, kind) for each in data_sets.sets for kind in _KINDS]
        page, size = int(call.query("page") or 1), int(call.query("pageSize") or call.settings.page_size)
        address = str(call.request.url.replace(query=""))
        following = f"{address}?page={page + 1}&pageSize={size}" if page * size < len(entries) else None
        return {
            "BrightspaceDataSets": [
                _older_entry(data_sets, *entry, address) for entry in entries[(page - 1) * size : page * size]
            ],
            "NextPageUrl": following,
            "PrevPageUrl": f"{address}?page={page - 1}&pageSize={size}" if page > 1 else None,
        }

    @table.add("GET", "/dataExport/bds/{plugin}/{place:int}", OLDER_DOWNLOAD)
    def older_download(call: Call) -> Response:
        place, plugin = call.id("place"), call.request.path_params["plugin"]
        if place >= len(data_sets.extracts) or _plugin(data_sets.extracts[place]) != plugin:
            raise missing("there is no such extract")
        return Response(data_sets.extracts[place].content, media_type="application/zip")

    _ = available, extracts, download, older_list, older_download
    return table


def _plugin(extract: Extract) -> str:
    return extract.data_set.id(extract.kind)


def _older_entry(data_sets: DataSets, data_set: DataSet, kind: Kind, address: str) -> Json:
    plugin = data_set.id(kind)
    blocks = [
        {
            "PluginId": plugin,
            "Name": _name(data_set, kind),
            "Description": "",
            "FullDataSet": kind == "Full",
            "CreatedDate": utc_text(extract.created),
            "DownloadLink": f"{address}/{plugin}/{place}",
            "DownloadSize": len(extract.content),
            "Version": "9.0",
            "PreviousDataSets": None,
        }
        for place, extract in reversed(list(enumerate(data_sets.extracts)))
        if _plugin(extract) == plugin
    ]
    if not blocks:
        empty = {"PluginId": plugin, "Name": _name(data_set, kind), "FullDataSet": kind == "Full"}
        return {**empty, "CreatedDate": None, "DownloadLink": None, "PreviousDataSets": None}
    return {**blocks[0], "PreviousDataSets": blocks[1:] or None}


def _name(data_set: DataSet, kind: Kind) -> str:
    return data_set.name if kind == "Full" else f"{data_set.name} Differential"


def _described(data_set: DataSet) -> Json:
    plugins = {
        kind: {"PluginId": data_set.id(kind), "Name": _name(data_set, kind), "Description": ""} for kind in _KINDS
    }
    return {"SchemaId": data_set.schema_id, "Full": plugins["Full"], "Differential": plugins["Differential"]}


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
