"""The chart, rendered by Helm's own engine, and what came out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import yaml

from tests.compose.programs import needed_module

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm" / "shoal"
VALUE_FILES = sorted((CHART / "ci").glob("*-values.yaml"))

Document: TypeAlias = dict[str, Any]

# LibYAML's, where PyYAML was built with it: the tests read some megabytes.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Rendered:
    """What an installation would bring to the cluster."""

    documents: list[Document]
    notes: str

    def all(self, kind: str) -> list[Document]:
        return [document for document in self.documents if document["kind"] == kind]

    def one(self, kind: str, name: str = "shoal") -> Document:
        """Return the document of this kind and name; there is one."""
        (found,) = [document for document in self.all(kind) if document["metadata"]["name"] == name]
        return found

    @property
    def pod(self) -> Document:
        """The spec of a node's pod."""
        pods = [deployment["spec"]["template"]["spec"] for deployment in self.all("Deployment")]
        (pod,) = [pod for pod in pods if pod["containers"][0]["name"] == "shoal"]
        found: Document = pod
        return found

    @property
    def container(self) -> Document:
        (container,) = self.pod["containers"]
        found: Document = container
        return found

    @property
    def environment(self) -> dict[str, str]:
        """A node's variables that aren't secret."""
        return {entry["name"]: entry["value"] for entry in self.container["env"] if "value" in entry}

    @property
    def secrets(self) -> dict[str, tuple[str, str]]:
        """A node's other variables: the Secret and the key that each comes from."""
        sources = {entry["name"]: entry.get("valueFrom", {}).get("secretKeyRef") for entry in self.container["env"]}
        return {name: (source["name"], source["key"]) for name, source in sources.items() if source}


def values_of(name: str) -> Document:
    """Return the values of one of the chart's own files, such as "minimal"."""
    values: Document = yaml.safe_load((CHART / "ci" / f"{name}-values.yaml").read_text(encoding="utf-8"))
    return values


def with_values(base: str, **changes: Any) -> Document:
    """Return the values of a file with others; objects are merged, as Helm does, and None takes one away."""
    return _merged(values_of(base), changes)


def render(values: Mapping[str, Any], *, release: str = "shoal") -> Rendered:
    """Render the chart as for an installation."""
    chart = _chart()
    # Rendering alone wouldn't look at values.schema.json, as an installation does.
    chart.validate_schema(dict(values))
    files: dict[str, str] = chart.render(dict(values), name=release, namespace="realtime")
    notes = files.pop("shoal/templates/NOTES.txt")
    return Rendered([document for text in files.values() for document in _documents(text)], notes)


def refusal_of(values: Mapping[str, Any]) -> str:
    """Return the words with which the chart refuses values."""
    helm = needed_module("helm_python", "helm-python-sdk")
    try:
        render(values)
    except helm.HelmError as error:
        return str(error)
    raise AssertionError("these values were accepted")


@cache
def _chart() -> Any:
    return needed_module("helm_python", "helm-python-sdk").Chart.load(CHART)


def _documents(text: str) -> Iterator[Document]:
    return (document for document in yaml.load_all(text, Loader=_Loader) if document)


def _merged(base: Document, changes: Mapping[str, Any]) -> Document:
    merged = dict(base)
    for key, value in changes.items():
        under = merged.get(key)
        merged[key] = _merged(under, value) if isinstance(value, dict) and isinstance(under, dict) else value
    return merged
