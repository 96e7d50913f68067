"""Validates manifests: of Kubernetes against its own schemas, of the Prometheus operator against its models, of Agones
against agones.schema.json. All refuse fields that they do not know, which a cluster would drop without a word."""

import functools
import json

import support

kubernetes_validate = support.package("kubernetes_validate")
jsonschema = support.package("jsonschema")

# Else each check parses all definitions of Kubernetes anew.
kubernetes_validate.utils.schema_contents = functools.lru_cache(maxsize=None)(kubernetes_validate.utils.schema_contents)

# The oldest that Chart.yaml allows, and the newest that there are schemas of.
VERSIONS = ("1.25.0", kubernetes_validate.latest_version())


@functools.lru_cache(maxsize=None)
def agones():
    return json.loads((support.TESTS / "agones.schema.json").read_text())


def check(document):
    """Raises an error that tells what is wrong with the document."""
    group = document["apiVersion"].split("/")[0]
    if group.endswith("agones.dev"):
        check_agones(document)
    elif group == "monitoring.coreos.com":
        check_monitoring(document)
    else:
        check_kubernetes(document)


def check_kubernetes(document):
    for version in VERSIONS:
        kubernetes_validate.validate(document, version, strict=True)


def check_agones(document):
    kind = document["kind"]
    if kind not in agones()["$defs"]:
        raise AssertionError(f"{kind} is not in agones.schema.json")
    jsonschema.validate(document, {**agones(), "$ref": f"#/$defs/{kind}"})
    if kind == "Fleet":
        pod = support.pod_template(document)
        check_kubernetes({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod", **pod["metadata"]}, "spec": pod["spec"]})


def check_monitoring(document):
    """The models pass over fields that they do not know: these are missing when the model is written again."""
    models = support.package("cloudcoil.models.prometheus_operator.v1")
    model = getattr(models, document["kind"]).model_validate(document)
    again = model.model_dump(mode="json", by_alias=True, exclude_unset=True)
    if again != document:
        raise AssertionError(f"{document['kind']} has fields that the operator does not know: {document} became {again}")
