"""GET /iris?by=species: means of the measures of irises, by pandas."""

from sklearn.datasets import load_iris

from duet import Response, blocking

bunch = load_iris(as_frame=True)
table = bunch.frame.assign(species=bunch.target_names[bunch.target]).drop(columns="target")
table["size"] = (table["petal length (cm)"] > 3).map({True: "large", False: "small"})


@blocking
def fetch(request):
    by = request.query.get("by", "species")
    if by not in ("species", "size"):
        return Response.json({"error": "by is species or size"}, 400)
    return table.groupby(by).mean(numeric_only=True).round(2).to_dict("index")
