"""What is written about values is true: README.md, values.yaml and values.schema.json say the same."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from server import __version__
from server.config import Settings
from tests.compose.programs import needed_module
from tests.helm.chart import CHART, render
from tests.helm.values_table import described_values, leaves, refreshed

README = (CHART / "README.md").read_text(encoding="utf-8")
VALUES = (CHART / "values.yaml").read_text(encoding="utf-8")
DEFAULTS = yaml.safe_load(VALUES)
SCHEMA = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))


def test_readme_has_every_value_as_it_is() -> None:
    assert refreshed(README, VALUES) == README, "run: python -m tests.helm.values_table"


def test_every_value_is_described() -> None:
    described = {value.path for value in described_values(VALUES)}
    assert set(leaves(DEFAULTS, described)) == described


def test_schema_knows_every_value_and_no_other() -> None:
    def compare(schema: dict[str, Any], values: dict[str, Any], path: str) -> None:
        assert schema["additionalProperties"] is False, path
        assert schema["properties"].keys() == values.keys(), path
        for key, value in values.items():
            under = schema["properties"][key]
            # What is empty may have anything that a node, or Kubernetes, takes.
            if "properties" in under and value:
                compare(under, value, f"{path}.{key}")

    # Helm adds "global" itself.
    compare(SCHEMA, DEFAULTS | {"global": {}}, "")


def test_table_has_the_rows_that_the_comments_say() -> None:
    text = "a:\n  # -- First,\n  # and more.\n  b: 1\n  c: {x: 1}\n# Not a description.\nd: []\n# -- Last.\ne: null\n"
    assert [value.row for value in described_values(text)] == [
        "| `a.b` | `1` | First, and more. |",
        "| `e` |  | Last. |",
    ]


def test_defaults_of_the_drain_are_those_of_a_node() -> None:
    node = Settings()
    assert (DEFAULTS["drain"]["rate"], DEFAULTS["drain"]["max"]) == (node.drain_rate, node.drain_max)


def test_settings_that_the_readme_names_exist() -> None:
    named = set(re.findall(r"settings\.(\w+)", README + VALUES)) | set(re.findall(r"SHOAL_([A-Z_]+)", README))
    assert {name.lower() for name in named} - {"config"} <= Settings.model_fields.keys()


def test_installation_as_the_readme_has_it_works() -> None:
    helm = needed_module("helm_python", "helm-python-sdk")
    command = README[README.index("helm install") :].partition("helm test")[0]
    given = ",".join(re.findall(r"--set (\S+)", command))
    rendered = render(helm.parse_set_string(given))
    assert rendered.one("Deployment")["spec"]["replicas"] == DEFAULTS["replicaCount"]
    assert rendered.secrets == {"SHOAL_APPS": ("shoal", "apps"), "SHOAL_REDIS": ("shoal", "redis")}


def test_readme_names_this_release() -> None:
    assert set(re.findall(r"/shoal:([\d.]+)", README)) == {__version__}
