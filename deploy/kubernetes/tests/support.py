"""What several tests use: where things are, the chart rendered, and the server's program."""

import functools
import os
import pathlib
import shutil
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
KUBERNETES = ROOT / "deploy" / "kubernetes"
CHART = ROOT / "deploy" / "helm" / "tidelock"
TESTS = KUBERNETES / "tests"
RULES = ROOT / "deploy" / "prometheus" / "rules" / "tidelock.yaml"
CHART_RULES = CHART / "files" / "rules.yaml"


def package(name):
    """A package of requirements.txt, or a skip of the whole file of tests."""
    try:
        return __import__(name, fromlist=["*"])
    except ImportError:
        raise unittest.SkipTest(f"the Python package {name} cannot be had") from None


@functools.lru_cache(maxsize=None)
def server_binary():
    """The tidelock-server under test, or a skip."""
    named = os.environ.get("TIDELOCK_SERVER_BIN")
    if named:
        found = shutil.which(named)
        if found is None:
            raise AssertionError(f"TIDELOCK_SERVER_BIN {named}: there is no such program")
        return found
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    for candidate in (target / "release" / "tidelock-server", target / "debug" / "tidelock-server", "tidelock-server"):
        found = shutil.which(candidate)
        if found is not None:
            return found
    raise unittest.SkipTest("there is no tidelock-server: build it, or name it by TIDELOCK_SERVER_BIN")


def documents(text):
    return [document for document in package("yaml").safe_load_all(text) if document]


def manifest(name):
    """The documents of a plain manifest."""
    return documents((KUBERNETES / name).read_text())


@functools.lru_cache(maxsize=None)
def chart():
    return package("helm_python").Chart.load(str(CHART))


def templates(values, name="tidelock", namespace="default"):
    """Text by template, as `helm template` makes it. Refused values raise HelmError."""
    chart().validate_schema(values)
    rendered = chart().render(values, name=name, namespace=namespace)
    return {path.split("/templates/")[1]: text for path, text in rendered.items()}


def objects(values, **release):
    """The rendered manifests by kind. No kind occurs twice."""
    found = {}
    for template, text in templates(values, **release).items():
        if template != "NOTES.txt":
            for document in documents(text):
                if document["kind"] in found:
                    raise AssertionError(f"{document['kind']} occurs twice")
                found[document["kind"]] = document
    return found


def pod_template(document):
    """Of a Fleet, a GameServer's pod is one level deeper than a Deployment's."""
    template = document["spec"]["template"]
    return template["spec"]["template"] if document["kind"] == "Fleet" else template


def container(document):
    (only,) = pod_template(document)["spec"]["containers"]
    return only


def merged(base, over):
    """Values over values, as Helm lays them."""
    result = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result
